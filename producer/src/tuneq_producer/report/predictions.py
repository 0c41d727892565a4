"""What a model got right, sample by sample, and the test of two that answered the same ones."""

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from tuneq_producer.statistics.paired import PairedTest, paired_test
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.errors import NotFoundError


class UnpairableError(Exception):
    """Why two evaluations cannot be compared."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Sets of sample numbers, a bit each."""

    scored: int
    correct: int


@dataclass(frozen=True, slots=True)
class _Row:
    sample: int
    outcome: Outcome


_ROW = TypeAdapter(_Row)


def require_alike(first: EvaluationView, second: EvaluationView) -> None:
    """Refuse what has no score, or was not scored alike.

    Raises:
        UnpairableError: an evaluation has not ended well, or they are of other things.
    """
    for view in (first, second):
        if view.accuracy is None:
            raise UnpairableError(f"the evaluation of {view.model} is {view.stage}")
    if first.basis != second.basis:
        raise UnpairableError("they were scored on another dataset, limit or scorer")


def paired(first: Marks, second: Marks) -> PairedTest:
    """Second against first.

    Raises:
        UnpairableError: they did not answer the same samples.
    """
    if first.scored != second.scored:
        raise UnpairableError("their predictions are not of the same samples")
    return paired_test(
        b=(first.correct & ~second.correct).bit_count(),
        c=(second.correct & ~first.correct).bit_count(),
        samples=first.scored.bit_count(),
    )


def read_marks(data: DataRoot, view: EvaluationView) -> Marks:
    """The predictions of an evaluation.

    Raises:
        UnpairableError: they are gone, damaged or empty.
    """
    scored, correct = bytearray(), bytearray()
    try:
        with data.read(view.artifact or f"evaluations/{view.evaluation}/predictions.jsonl") as file:
            for line in file:
                row = _ROW.validate_json(line)
                _set_bit(scored, row.sample)
                if row.outcome is Outcome.CORRECT:
                    _set_bit(correct, row.sample)
    except NotFoundError as error:
        raise UnpairableError(f"the predictions of {view.model} are gone") from error
    except ValidationError as error:
        raise UnpairableError(f"the predictions of {view.model} are damaged") from error
    if not scored:
        raise UnpairableError(f"the predictions of {view.model} are empty")
    return Marks(int.from_bytes(scored, "little"), int.from_bytes(correct, "little"))


def _set_bit(bits: bytearray, number: int) -> None:
    place, bit = divmod(number, 8)
    if place >= len(bits):
        bits.extend(bytes(place + 1 - len(bits)))
    bits[place] |= 1 << bit

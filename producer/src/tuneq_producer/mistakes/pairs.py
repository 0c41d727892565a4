"""Samples of an evaluation, each with its line of the dataset and what a baseline made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_shared.data.lines import without_mark
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.errors import InvalidInputError, UnreadableError
from tuneq_shared.references import parse_reference

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered:
    """A sample's prediction."""

    sample: int  # its place in the dataset, from 0
    outcome: Outcome
    target: str = ""
    answer: str | None = None
    parsed: str | None = None
    label: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A sample: the tuned model's answer, the baseline's outcome, and the dataset's line."""

    tuned: Answered
    baseline: Outcome | None
    line: bytes


@dataclass(frozen=True, slots=True)
class _Row:
    sample: int
    outcome: Outcome


_ANSWERED = TypeAdapter(Answered)
_ROW = TypeAdapter(_Row)


def read_pairs(
    data: DataRoot, tuned: EvaluationView, baseline: EvaluationView | None
) -> Iterator[Pair]:
    """All samples in the dataset's order. Three files are read side by side, a line at a time.

    Raises:
        NotFoundError: predictions or dataset are gone.
        UnreadableError: predictions are damaged.
        InvalidInputError: the baseline's are of other samples, or the dataset is a shorter one.
    """
    lines = enumerate(_lines(data, tuned))
    for row, before in _both(data, tuned, baseline):
        line = next((line for place, line in lines if place == row.sample), None)
        if line is None:
            raise InvalidInputError(f"the dataset {tuned.dataset} has fewer samples than it had")
        yield Pair(row, before, line)


def _both(
    data: DataRoot, tuned: EvaluationView, baseline: EvaluationView | None
) -> Iterator[tuple[Answered, Outcome | None]]:
    rows = _predictions(data, tuned, _ANSWERED)
    if baseline is None:
        yield from ((row, None) for row in rows)
        return
    for row, before in zip_longest(rows, _predictions(data, baseline, _ROW)):
        if row is None or before is None or row.sample != before.sample:
            raise InvalidInputError(
                f"the predictions of {tuned.model} and {baseline.model} are not of the same samples"
            )
        yield row, before.outcome


def _predictions(data: DataRoot, view: EvaluationView, kind: TypeAdapter[T]) -> Iterator[T]:
    path = view.artifact or f"evaluations/{view.evaluation}/predictions.jsonl"
    try:
        with data.read(path) as file:
            yield from map(kind.validate_json, file)
    except ValidationError as error:
        raise UnreadableError(
            f"the predictions of {view.model} are damaged", hint=f"restore data:{path}"
        ) from error


def _lines(data: DataRoot, view: EvaluationView) -> Iterator[bytes]:
    with data.open(parse_reference(view.dataset or "")) as file:
        yield from (line for line in without_mark(file) if line.strip())

"""Tuned against baseline, sample by sample."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from tuneq_producer.statistics.mcnemar import mcnemar_exact
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.run_view import RunView
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A tuned model and a baseline on the same samples. Field names as in the JSON document."""

    run: str
    name: str
    baseline: str  # MODEL, or MODEL:SHOTS where there are examples in the prompt
    difference: float  # percentage points, tuned less baseline
    p_value: float  # McNemar, exact, two-sided
    b: int  # samples that only the baseline got right
    c: int  # samples that only the tuned model got right
    samples: int
    evaluation: str  # of the tuned model
    baseline_evaluation: str


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A pair that could not be compared, and why."""

    run: str
    name: str
    baseline: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Marks:
    """Sets of sample numbers, a bit each."""

    scored: int
    correct: int


@dataclass(frozen=True, slots=True)
class _Row:
    sample: int
    outcome: Outcome


class _UnpairableError(Exception):
    """Why two evaluations cannot be compared."""


_ROW = TypeAdapter(_Row)


def baseline_name(view: EvaluationView) -> str:
    """As `--baseline` takes it."""
    return f"{view.model}:{view.shots}" if view.shots else view.model


def compare(
    data: DataRoot, runs: Sequence[RunView], baselines: Sequence[EvaluationView]
) -> Iterator[Comparison | Uncompared]:
    """Every tuned model against each baseline that was scored alike.

    A run's own baselines are always answered for; those that other runs asked for are left out
    where they were scored on another dataset, limit or scorer. Each baseline's predictions are read
    once, and those of the tuned models one after the other.
    """
    known: dict[str, _Marks] = {}
    for run in runs:
        tuned = run.tuned
        if tuned is None or tuned.accuracy is None:
            continue
        own = {e.evaluation for e in run.evaluations}
        rivals = [b for b in baselines if b.evaluation in own or b.basis == tuned.basis]
        marks: _Marks | None = None
        for baseline in rivals:
            try:
                _require_alike(tuned, baseline)
                marks = marks or _read(data, tuned)
                if baseline.evaluation not in known:
                    known[baseline.evaluation] = _read(data, baseline)
                yield _compared(run, tuned, marks, baseline, known[baseline.evaluation])
            except _UnpairableError as reason:
                yield Uncompared(run.run, run.name, baseline_name(baseline), str(reason))


def _require_alike(tuned: EvaluationView, baseline: EvaluationView) -> None:
    if baseline.accuracy is None:
        raise _UnpairableError(f"the baseline's evaluation is {baseline.stage}")
    if baseline.basis != tuned.basis:
        raise _UnpairableError("they were scored on another dataset, limit or scorer")


def _compared(
    run: RunView, tuned: EvaluationView, mine: _Marks, baseline: EvaluationView, theirs: _Marks
) -> Comparison:
    if mine.scored != theirs.scored:
        raise _UnpairableError("their predictions are not of the same samples")
    samples = mine.scored.bit_count()
    b = (theirs.correct & ~mine.correct).bit_count()
    c = (mine.correct & ~theirs.correct).bit_count()
    return Comparison(
        run=run.run,
        name=run.name,
        baseline=baseline_name(baseline),
        difference=100 * (c - b) / samples,
        p_value=mcnemar_exact(b, c),
        b=b,
        c=c,
        samples=samples,
        evaluation=tuned.evaluation,
        baseline_evaluation=baseline.evaluation,
    )


def _read(data: DataRoot, view: EvaluationView) -> _Marks:
    scored, correct = bytearray(), bytearray()
    try:
        with data.read(view.artifact or f"evaluations/{view.evaluation}/predictions.jsonl") as file:
            for line in file:
                row = _ROW.validate_json(line)
                _set_bit(scored, row.sample)
                if row.outcome is Outcome.CORRECT:
                    _set_bit(correct, row.sample)
    except NotFoundError as error:
        raise _UnpairableError(f"the predictions of {view.model} are gone") from error
    except ValidationError as error:
        raise _UnpairableError(f"the predictions of {view.model} are damaged") from error
    if not scored:
        raise _UnpairableError(f"the predictions of {view.model} are empty")
    return _Marks(int.from_bytes(scored, "little"), int.from_bytes(correct, "little"))


def _set_bit(bits: bytearray, number: int) -> None:
    place, bit = divmod(number, 8)
    if place >= len(bits):
        bits.extend(bytes(place + 1 - len(bits)))
    bits[place] |= 1 << bit

"""Tuned against baseline, sample by sample."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from tuneq_producer.report.predictions import (
    Marks,
    UnpairableError,
    paired,
    read_marks,
    require_alike,
)
from tuneq_producer.statistics.paired import PairedTest
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.run_view import RunView
from tuneq_shared.data_root import DataRoot


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(PairedTest):
    """A baseline (first) and a tuned model (second). Field names as in the JSON document."""

    run: str
    name: str
    baseline: str  # MODEL, or MODEL:SHOTS where there are examples in the prompt
    evaluation: str  # of the tuned model
    baseline_evaluation: str


@dataclass(frozen=True, slots=True)
class Uncompared:
    """A pair that could not be compared, and why."""

    run: str
    name: str
    baseline: str
    reason: str


def baseline_name(view: EvaluationView) -> str:
    """As `--baseline` takes it."""
    shots = f":{view.shots}" if view.shots else ""
    return f"{view.model}{shots}" + (f"@{view.elsewhere}" if view.elsewhere else "")


def compare(
    data: DataRoot, runs: Sequence[RunView], baselines: Sequence[EvaluationView]
) -> Iterator[Comparison | Uncompared]:
    """Every tuned model against each baseline that was scored alike.

    A run's own baselines are always answered for; those that other runs asked for are left out
    where they were scored on another dataset, limit or scorer. Each baseline's predictions are read
    once, and those of the tuned models one after the other.
    """
    known: dict[str, Marks] = {}
    for run in runs:
        tuned = run.tuned
        if tuned is None or tuned.accuracy is None:
            continue
        own = {e.evaluation for e in run.evaluations}
        rivals = [b for b in baselines if b.evaluation in own or b.basis == tuned.basis]
        marks: Marks | None = None
        for baseline in rivals:
            try:
                require_alike(baseline, tuned)
                marks = marks or read_marks(data, tuned)
                if baseline.evaluation not in known:
                    known[baseline.evaluation] = read_marks(data, baseline)
                test = paired(known[baseline.evaluation], marks)
            except UnpairableError as reason:
                yield Uncompared(run.run, run.name, baseline_name(baseline), str(reason))
                continue
            yield Comparison(
                run=run.run,
                name=run.name,
                baseline=baseline_name(baseline),
                evaluation=tuned.evaluation,
                baseline_evaluation=baseline.evaluation,
                **asdict(test),
            )

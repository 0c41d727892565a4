"""All that a report says, from the store and the predictions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuneq_producer.client import Client
from tuneq_producer.report.curves import Curve, curves_of
from tuneq_producer.report.pairing import Comparison, Uncompared, compare
from tuneq_producer.statistics.scaling import Scaling
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.reading import run_views
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import why_not_finished
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import UNREADABLE
from tuneq_shared.errors import UnreadableError


@dataclass(frozen=True, slots=True)
class Missing:
    """A run that is not finished well, has no accuracy, or cannot be read, and why."""

    run: str
    name: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class TotalCost:
    """USD for training, over those runs whose cost is known."""

    estimated: float
    actual: float
    runs_estimated: int
    runs_actual: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A group's or a run's report. The field names are those of the JSON document."""

    group: str | None
    runs: tuple[RunView, ...]
    baselines: tuple[EvaluationView, ...]  # each once, however many runs asked for it
    comparison: tuple[Comparison, ...]
    uncompared: tuple[Uncompared, ...]
    scaling: Scaling  # of the first curve
    curves: tuple[Curve, ...]
    missing: tuple[Missing, ...]
    cost_usd: TotalCost


def assemble(client: Client, ids: Iterable[str], group: str | None) -> Report:
    """Read the runs and compare them."""
    unreadable: list[Missing] = []

    def note(item: ItemId, error: UnreadableError) -> None:
        unreadable.append(Missing(item.key, item.key, UNREADABLE, error.message))

    runs = tuple(run_views(client, ids, note))
    baselines = _baselines(runs)
    pairs = list(compare(client.data, runs, baselines))
    curves = curves_of(runs)
    return Report(
        group=group,
        runs=runs,
        baselines=baselines,
        comparison=tuple(pair for pair in pairs if isinstance(pair, Comparison)),
        uncompared=tuple(pair for pair in pairs if isinstance(pair, Uncompared)),
        scaling=curves[0].scaling if curves else Scaling(points=()),
        curves=curves,
        missing=tuple(
            Missing(run.run, run.name, run.stage, _reason(run))
            for run in runs
            if run.stage != RunStage.SUCCEEDED or run.accuracy is None
        )
        + tuple(unreadable),
        cost_usd=_total(runs),
    )


def _baselines(runs: Sequence[RunView]) -> tuple[EvaluationView, ...]:
    found: dict[str, EvaluationView] = {}
    for run in runs:
        for evaluation in run.evaluations:
            if evaluation.role == "baseline":
                found.setdefault(evaluation.evaluation, evaluation)
    return tuple(found.values())


def _reason(run: RunView) -> str:
    if run.stage == RunStage.SUCCEEDED and not run.evaluations:
        return "no evaluation was asked for"
    return why_not_finished(run)


def _total(runs: Sequence[RunView]) -> TotalCost:
    estimated = [run.cost_usd.estimated for run in runs if run.cost_usd.estimated is not None]
    actual = [run.cost_usd.actual for run in runs if run.cost_usd.actual is not None]
    return TotalCost(sum(estimated), sum(actual), len(estimated), len(actual))

"""All that a report says, from the store and the predictions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tuneq_producer.client import Client
from tuneq_producer.report.costs import TotalCost, total_cost
from tuneq_producer.report.curves import Curve, curves_of
from tuneq_producer.report.pairing import Comparison, Uncompared, compare
from tuneq_producer.statistics.scaling import Scaling
from tuneq_producer.views.broken_down import broken_down
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.reading import run_views
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import why_no_result
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
    breakdowns: tuple[EvaluationView, ...] = ()  # of the best tuned model and of the baselines


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
            Missing(run.run, run.name, run.stage, why_no_result(run))
            for run in runs
            if run.stage != RunStage.SUCCEEDED or run.accuracy is None
        )
        + tuple(unreadable),
        cost_usd=total_cost(runs),
        breakdowns=tuple(_breakdowns(client, runs, baselines)),
    )


def assemble_target(client: Client, target: str) -> Report:
    """The report of a group, or of a run.

    Raises:
        NotFoundError: no group and no run goes by that.
    """
    ids = client.catalogue.run_ids(target, archived=True)
    return assemble(client, ids or target_ids(client, target), target if ids else None)


def target_ids(client: Client, target: str) -> list[str]:
    """The runs of a group, archived ones among them, or the one run that is meant.

    Raises:
        NotFoundError: no group and no run goes by that.
    """
    return client.catalogue.run_ids(target, archived=True) or [client.catalogue.find_run(target)]


def _breakdowns(
    client: Client, runs: Sequence[RunView], baselines: Sequence[EvaluationView]
) -> Iterator[EvaluationView]:
    tuned = [run.tuned for run in runs if run.tuned and run.tuned.accuracy is not None]
    best = max(tuned, key=lambda view: view.accuracy or 0.0, default=None)
    for view in (*([best] if best else []), *baselines):
        parted = broken_down(client.data, view)
        if parted.breakdown is not None:
            yield parted


def _baselines(runs: Sequence[RunView]) -> tuple[EvaluationView, ...]:
    found: dict[str, EvaluationView] = {}
    for run in runs:
        for evaluation in run.evaluations:
            if evaluation.role == "baseline":
                found.setdefault(evaluation.evaluation, evaluation)
    return tuple(found.values())

"""What the runs of a report have cost together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import usd


@dataclass(frozen=True, slots=True)
class TotalCost:
    """USD of what is known: for training, for hours deployed, and for answers."""

    estimated: float  # of training
    actual: float  # of training
    runs_estimated: int
    runs_actual: int
    deployment: float = 0.0
    runs_deployment: int = 0
    evaluation: float = 0.0  # each evaluation once, those left out that were there before
    evaluations: int = 0  # whose cost is known
    evaluation_estimated: float = 0.0  # of these same and those to come, at most
    total: float = 0.0  # all that is known to have been spent


def total_cost(runs: Sequence[RunView]) -> TotalCost:
    """Add up what is known; of evaluations that runs share, the baselines above all, once."""
    estimated = _known(run.cost_usd.estimated for run in runs)
    actual = _known(run.cost_usd.actual for run in runs)
    hours = _known(run.cost_usd.deployment for run in runs)
    bought = {e.evaluation: e for run in runs for e in run.evaluations if not e.reused}
    answers = _known(each.cost_usd for each in bought.values())
    return TotalCost(
        estimated=sum(estimated),
        actual=sum(actual),
        runs_estimated=len(estimated),
        runs_actual=len(actual),
        deployment=sum(hours),
        runs_deployment=len(hours),
        evaluation=sum(answers),
        evaluations=len(answers),
        evaluation_estimated=sum(_known(each.estimated_usd for each in bought.values())),
        total=sum([*actual, *hours, *answers]),
    )


def cost_notes(cost: TotalCost, runs: int) -> Iterator[str]:
    """The costs in sentences, each with how many it is of."""
    if cost.runs_deployment:
        of = f"{cost.runs_deployment} of {runs} runs"
        yield f"deployment cost: {usd(cost.deployment)} USD ({of})"
    if cost.evaluations or cost.evaluation_estimated:
        most = f"estimated at most {usd(cost.evaluation_estimated)} USD"
        actual = f"actual {usd(cost.evaluation)} USD ({cost.evaluations} evaluations)"
        yield f"evaluation cost: {most}, {actual}"
    if not cost.runs_estimated and not cost.runs_actual:
        yield "training cost: unknown, no prices are configured"
        return
    estimated = f"estimated {cost.estimated:.2f} USD ({cost.runs_estimated} of {runs} runs)"
    actual = f"actual {cost.actual:.2f} USD ({cost.runs_actual} of {runs} runs)"
    yield f"training cost: {estimated}, {actual}"
    if cost.total != cost.actual:
        yield f"cost in all: {usd(cost.total)} USD"


def _known(amounts: Iterable[float | None]) -> list[float]:
    return [amount for amount in amounts if amount is not None]

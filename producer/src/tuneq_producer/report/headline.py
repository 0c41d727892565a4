"""The best tuned model against each baseline, in few words."""

from collections.abc import Iterator
from dataclasses import dataclass

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.pairing import Comparison
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.words import (
    p_value,
    percent,
    percent_interval,
    points,
    points_interval,
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in large, and what it is."""

    value: str
    name: str
    below: tuple[str, ...]


def figures(report: Report) -> Iterator[Figure]:
    """The accuracy of the run that did best, and what it gained over each baseline."""
    measured = [run for run in report.runs if run.accuracy is not None]
    best = max(measured, key=lambda run: run.accuracy or 0.0, default=None)
    if best is None or best.tuned is None:
        return
    alike = [run for run in measured if run.tuned and run.tuned.basis == best.tuned.basis]
    yield _accuracy(best.name, best.tuned, len(alike))
    known = {view.evaluation: view for view in report.baselines}
    for pair in report.comparison:
        if pair.run == best.run:
            yield _gain(pair, percent(known[pair.baseline_evaluation].accuracy))


def _accuracy(name: str, tuned: EvaluationView, of: int) -> Figure:
    interval = f"95 % interval {percent_interval(tuned.interval)} %"
    below = [interval, f"of {tuned.samples} samples"]
    if of > 1:
        below.append(f"the best of {of} runs on these samples: expect a little less on others")
    return Figure(f"{percent(tuned.accuracy)} %", f"{name} is right", tuple(below))


def _gain(pair: Comparison, accuracy: str) -> Figure:
    return Figure(
        f"{points(pair.difference)} points",
        f"against {pair.baseline}, {accuracy} %",
        (
            f"95 % interval {points_interval(pair.difference_interval)}",
            f"exact p {p_value(pair.p_value)} (McNemar)",
            f"{pair.c} samples fixed, {pair.b} broken",
        ),
    )

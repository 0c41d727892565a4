"""Runs that differ only in how much they were trained on, and what can be said of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from tuneq_producer.statistics.scaling import Scaling, scaling_of
from tuneq_producer.views.run_view import RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A series of runs of one base model and one method, scored alike. Seeds are averaged over."""

    model: str
    method: dict[str, Any]  # as requested, without defaults
    dataset_digest: str | None
    runs: dict[int, int]  # how many runs each number of samples has
    members: tuple[str, ...]  # ids of these runs
    scaling: Scaling


def curves_of(runs: Iterable[RunView]) -> tuple[Curve, ...]:
    """The series among the runs that have an accuracy, the one with most points first."""
    series: dict[bytes, list[RunView]] = {}
    for run in runs:
        if run.tuned is not None and run.accuracy is not None and run.samples:
            prompted = [run.tuned.system, run.tuned.prompt]
            alike = [run.account, run.model, run.request.get("method"), *prompted, *run.tuned.basis]
            series.setdefault(orjson.dumps(alike), []).append(run)
    curves = [_curve(members) for members in series.values()]
    return tuple(sorted(curves, key=lambda curve: -len(curve.scaling.points)))


def _curve(members: list[RunView]) -> Curve:
    measured = [(m.samples, m.accuracy) for m in members if m.samples and m.accuracy is not None]
    counts: dict[int, int] = {}
    for samples, _ in sorted(measured):
        counts[samples] = counts.get(samples, 0) + 1
    first = members[0]
    return Curve(
        model=first.model,
        method=first.request.get("method", {}),
        dataset_digest=first.tuned.dataset_digest if first.tuned else None,
        runs=counts,
        members=tuple(m.run for m in members),
        scaling=scaling_of(measured),
    )

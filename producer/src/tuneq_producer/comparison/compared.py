"""All that `tuneq compare` says, from the store and the predictions."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tuneq_producer.client import Client
from tuneq_producer.comparison.changes import changes_between
from tuneq_producer.report.predictions import (
    UnpairableError,
    paired,
    read_marks,
    require_alike,
)
from tuneq_producer.statistics.paired import PairedTest
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.reading import one_run_view, run_views
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import why_no_result
from tuneq_shared.data_root import DataRoot
from tuneq_shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Target:
    """One of the two: a group, or a run."""

    name: str  # of the group, or GROUP/NAME of the run
    group: str | None  # none where it is a run
    runs: tuple[RunView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two runs. The field names are those of the JSON document."""

    name: str  # both names where they differ
    first: RunView
    second: RunView
    changed: dict[str, tuple[Any, Any]]  # settings of the requests that differ, first and second
    test: PairedTest | None  # second less first on the same samples
    reason: str | None  # why there is no test


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two runs, or two groups whose runs were matched by name. Field names as in JSON."""

    first: str
    second: str
    pairs: tuple[Pair, ...]
    only_first: tuple[str, ...]  # names of runs that the other group does not have
    only_second: tuple[str, ...]
    mean_difference: float | None  # percentage points, over the pairs that have a test

    @property
    def complete(self) -> bool:
        """Whether there is a pair, and each has its test."""
        return bool(self.pairs) and all(pair.test is not None for pair in self.pairs)


def compare_targets(client: Client, first: str, second: str) -> Compared:
    """Compare two groups or two runs.

    Raises:
        NotFoundError: no group and no run goes by a name.
        UnreadableError: a run that was named cannot be read.
        InvalidInputError: one is a group and the other a run, or both are the same.
    """
    a, b = _target(client, first), _target(client, second)
    if (a.group is None) != (b.group is None):
        group, run = (first, second) if b.group is None else (second, first)
        raise InvalidInputError(
            f"{group!r} is a group and {run!r} is a run", hint="give two groups, or two runs"
        )
    if a.name == b.name:
        raise InvalidInputError(f"both are {a.name}", hint="give two groups, or two runs")
    if a.group is None:
        matched, only = [(a.runs[0], b.runs[0])], (set[str](), set[str]())
    else:
        mine, theirs = ({run.name: run for run in each.runs} for each in (a, b))
        matched = [(run, theirs[name]) for name, run in mine.items() if name in theirs]
        only = (mine.keys() - theirs.keys(), theirs.keys() - mine.keys())
    pairs = tuple(_pair(client.data, *both) for both in matched)
    differences = [pair.test.difference for pair in pairs if pair.test]
    return Compared(
        first=a.name,
        second=b.name,
        pairs=pairs,
        only_first=tuple(sorted(only[0])),
        only_second=tuple(sorted(only[1])),
        mean_difference=fmean(differences) if differences else None,
    )


def _target(client: Client, text: str) -> Target:
    ids = client.catalogue.run_ids(text, archived=True)
    if ids:
        return Target(text, text, tuple(run_views(client, ids)))
    run = one_run_view(client, text)
    return Target(run.full_name, None, (run,))


def _pair(data: DataRoot, first: RunView, second: RunView) -> Pair:
    test, reason = None, None
    try:
        test = _tested(data, first, second)
    except UnpairableError as error:
        reason = str(error)
    same = first.name == second.name
    return Pair(
        name=first.name if same else f"{first.name} / {second.name}",
        first=first,
        second=second,
        changed=changes_between(first.request, second.request),
        test=test,
        reason=reason,
    )


def _tested(data: DataRoot, first: RunView, second: RunView) -> PairedTest:
    mine, theirs = _tuned(first), _tuned(second)
    require_alike(mine, theirs)
    return paired(read_marks(data, mine), read_marks(data, theirs))


def _tuned(run: RunView) -> EvaluationView:
    if run.tuned is None:
        why = why_no_result(run)
        raise UnpairableError(f"{run.full_name} is {run.stage}{f': {why}' if why else ''}")
    return run.tuned

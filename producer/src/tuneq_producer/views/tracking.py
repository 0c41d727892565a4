"""Watching many runs with bounded reads: the unfinished ones in turn, or those that have a row."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from tuneq_producer.client import Client
from tuneq_producer.selection import Scope
from tuneq_producer.views.reading import run_views
from tuneq_producer.views.run_view import RunView

_READ_AT_ONCE = 1000


@dataclass(slots=True)
class Tracker:
    """The runs of a scope, and those of them that had not ended when last seen."""

    client: Client
    scope: Scope
    _total: int = -1  # when last the ids were read
    _known: dict[str, int] = field(default_factory=dict)  # run: its place
    _open: deque[str] = field(default_factory=deque)
    _stages: dict[str, str] = field(default_factory=dict)
    _shown: list[str] = field(default_factory=list)
    _ended: deque[RunView] = field(default_factory=deque)

    def changes(self, total: int, since: float) -> Iterator[RunView]:
        """Look at the next unfinished runs; those whose stage is another than when last seen.

        Args:
            total: how many runs there are by now.
            since: Redis time in seconds; what was created or ended later is a change at first
                sight, too.
        """
        self._learn(total)
        for view in run_views(self.client, self._take(_READ_AT_ONCE)):
            before = self._stages.get(view.run)
            if not view.finished:
                self._stages[view.run] = view.stage
                self._open.append(view.run)
            else:
                self._stages.pop(view.run, None)
            if view.stage != before if before else _newer(view, since):
                yield view

    def all_changes(self, total: int, since: float) -> Iterator[RunView]:
        """Look at every unfinished run once."""
        self._learn(total)
        for _ in range(-(-len(self._open) // _READ_AT_ONCE)):
            yield from self.changes(total, since)

    def rows(self, total: int, capacity: int) -> list[RunView]:
        """At most so many runs, oldest first: the unfinished, then those that ended last."""
        self._learn(total)
        if total <= capacity:
            return list(run_views(self.client, self._known))
        live: list[RunView] = []
        self._sort_out(self._shown, live)
        for _ in range(_READ_AT_ONCE // capacity + 1):
            if len(live) >= capacity or not self._open:
                break
            self._sort_out(self._take(capacity), live)
        self._open.extendleft(view.run for view in reversed(live[capacity:]))
        live = live[:capacity]
        self._shown = [view.run for view in live]
        while len(self._ended) > capacity:
            self._ended.popleft()
        room = capacity - len(live)
        shown = live + (list(self._ended)[-room:] if room else [])
        return sorted(shown, key=lambda view: self._known[view.run])

    def _take(self, most: int) -> list[str]:
        return [self._open.popleft() for _ in range(min(most, len(self._open)))]

    def _sort_out(self, ids: list[str], live: list[RunView]) -> None:
        for view in run_views(self.client, ids):
            (self._ended if view.finished else live).append(view)

    def _learn(self, total: int) -> None:
        if total == self._total:
            return
        self._total = total  # archived ones count, so that it tells of every new run
        for run in self.scope.ids(self.client):
            if run not in self._known:
                self._known[run] = len(self._known)
                self._open.append(run)


def _newer(view: RunView, since: float) -> bool:
    ended = view.finished_at is not None and view.finished_at.timestamp() >= since
    return ended or view.created_at.timestamp() >= since

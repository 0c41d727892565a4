"""How far many runs have come, by counts alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tuneq_producer.client import Client
from tuneq_producer.selection import Scope
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage, is_terminal
from tuneq_shared.domain.record import UNREADABLE


@dataclass(frozen=True, slots=True)
class Progress:
    """How many runs are in which stage."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All runs."""
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        """Runs that have ended, well or not."""
        return sum(n for stage, n in self.counts.items() if is_terminal(Kind.RUN, stage))

    @property
    def settled(self) -> bool:
        """Whether nothing goes on by itself: every run has ended or is held."""
        return self.ended + self.counts.get(RunStage.HELD, 0) >= self.total

    @property
    def good(self) -> bool:
        """Whether every run has succeeded."""
        return self.counts.get(RunStage.SUCCEEDED, 0) == self.total

    def words(self) -> str:
        """Such as "2 of 40 ended: 30 training, 8 evaluating, 1 succeeded, 1 failed"."""
        order = [*(stage.value for stage in RunStage), UNREADABLE]
        parts = [f"{self.counts[stage]} {stage}" for stage in order if self.counts.get(stage)]
        return f"{self.ended} of {self.total} ended" + (f": {', '.join(parts)}" if parts else "")


def progress_of(client: Client, scope: Scope) -> Progress:
    """One small read for a group, its archived runs included, or all; else one of named runs."""
    if not scope.runs:
        # A failure of years ago says nothing of all that is here now.
        return Progress(client.catalogue.counts(scope.group, archived=scope.group is not None))
    records = client.catalogue.read([ItemId(Kind.RUN, run) for run in scope.runs])
    return Progress(Counter(record.stage for record in records if record is not None))

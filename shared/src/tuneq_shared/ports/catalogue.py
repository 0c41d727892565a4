"""Reading: records, groups, histories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.record import Record


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a run's history."""

    at: float  # Redis time, seconds
    stage: str
    message: str


class Catalogue(Protocol):
    """What there is to see. Nothing here changes anything."""

    def read(self, items: Sequence[ItemId]) -> list[Record | None]:
        """The records of items, in order; none where there is no such item."""

    def run_ids(self, group: str | None = None) -> list[str]:
        """The ids of a group's runs, or of all, oldest first."""

    def counts(self, group: str | None = None) -> dict[str, int]:
        """How many runs of a group, or of all, are in which stage."""

    def groups(self) -> list[str]:
        """The names of all groups, oldest first."""

    def find_run(self, text: str) -> str:
        """The id of the run that is meant by its id, a unique prefix of it, or GROUP/NAME.

        Raises:
            NotFoundError: no run, or more than one, goes by that.
        """

    def events(self, item: ItemId, start: int = 0) -> list[Event]:
        """The history of an item from its start-th event on, oldest first."""

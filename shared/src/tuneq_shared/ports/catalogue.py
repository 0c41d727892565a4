"""Reading: records, groups, histories."""

from collections.abc import Collection, Sequence
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

    def run_ids(self, group: str | None = None, *, archived: bool = False) -> list[str]:
        """The ids of a group's runs, or of all that are in Redis, oldest first.

        With `archived`, those that have left Redis are among them; of all runs they come first.
        """

    def counts(self, group: str | None = None, *, archived: bool = False) -> dict[str, int]:
        """How many runs of a group, or of all that are in Redis, are in which stage.

        With `archived`, those that have left Redis count in the stage in which they ended.
        """

    def archived_count(self, group: str | None = None) -> int:
        """How many runs of a group, or of all, have left Redis for the archive."""

    def archived_among(self, runs: Collection[str]) -> set[str]:
        """Those of these runs that have left Redis for the archive."""

    def archived_followers(self, account: str, jobs: Collection[str]) -> dict[str, str]:
        """Those of an account's jobs that archived runs have, each with its run's id.

        After a loss of Redis there are none: whose such a job was, only an operator can tell.
        """

    def groups(self) -> list[str]:
        """The names of all groups, oldest first."""

    def names(self, group: str) -> dict[str, str]:
        """The names of a group's runs, archived ones included, each with its run's id."""

    def find_run(self, text: str) -> str:
        """The id of the run that is meant by its id, a unique prefix of it, or GROUP/NAME.

        Raises:
            NotFoundError: no run, or more than one, goes by that.
        """

    def events(self, item: ItemId, start: int = 0) -> list[Event]:
        """The history of an item from its start-th event on, oldest first."""

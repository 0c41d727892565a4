"""The life of items: create, due, claim, commit, park, wake. One invariant holds them together.

Every unfinished item has one due time, or is parked on an unfinished item further down the order of
kinds (run, evaluation, upload, shard, deployment, account), so that every chain of parks ends at a
due time.
A crowd that sleeps on an item which has ended is woken piece by piece, by the looks at what is due.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.item import ItemId, Queue
from tuneq_shared.domain.record import Record


class Creation(StrEnum):
    """What became of a request to create an item."""

    CREATED = "created"
    EXISTS = "exists"
    OTHER_CONTENT = "other_content"  # the id is there with another digest
    NAME_TAKEN = "name_taken"  # another item of the group has the name
    REVIVED = "revived"  # it had ended, and goes on
    ABSENT = "absent"  # it is not there, and was not to be created


class Asked(StrEnum):
    """What an operator, or a last subscriber that leaves, may ask of an unfinished item."""

    CANCEL = "cancel"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item to be created, due at once."""

    item: ItemId
    stage: str
    fixed: dict[str, Any]
    doc: dict[str, Any]
    digest: str = ""  # of what the id stands for: the same id with another digest is refused
    group: str = ""
    name: str = ""  # unique within the group
    rank: int = 1  # of its priority: 0 gets slots first


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A fenced, expiring right to work on an item."""

    record: Record
    token: int
    wakes: int  # wake-ups seen by this claim
    slot: bool  # it holds its slot
    now: float  # Redis time of the claim, seconds

    @property
    def item(self) -> ItemId:
        """The claimed item."""
        return self.record.item


@dataclass(frozen=True, slots=True)
class Renewal:
    """A lease that goes on."""

    now: float  # Redis time, seconds
    asked: Asked | None  # what is asked of the item by now


@dataclass(frozen=True, slots=True)
class Park:
    """Sleep until another item ends or wakes this one; the mark tells it what is waited for."""

    on: ItemId
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place among the active jobs of a pool, at most `cap` at once; none is no limit known."""

    pool: str
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The end of a step: the new state, and when or whereupon to look again, in one write."""

    stage: str
    doc: dict[str, Any]
    delay_s: float = 0.0  # until the next look; without meaning when parked or ended
    park: Park | None = None
    event: str = ""  # a sentence for the item's history
    take: Slot | None = None  # get a slot, or stand in line for one and sleep
    free: bool = False  # hand the slot to the next in line
    job: str = ""  # that the provider has taken into the slot
    refused: bool = False  # with take: the provider had no room: give it back, stand in line
    leaves: tuple[ItemId, ...] = ()  # where the item ends: what it shares no more
    answered: Asked | None = None  # what was asked of the item and is done with this; a cancel
    # that is not asked any more, since somebody joined, is not committed: the item is due at once;
    # nor is a release whose choice is another by now


class ItemStore(Protocol):
    """The atomic operations on items. Clocks are the store's; callers give delays."""

    def create(self, items: Iterable[NewItem]) -> list[Creation]:
        """Create items that are not there yet, in order; each is due at once."""

    def due(self, queue: Queue, limit: int, window_s: float) -> list[tuple[ItemId, str]]:
        """Items to look at now, and their stages. Each is due again after the window."""

    def due_shards(self, limit: int, hands: int, window_s: float) -> list[tuple[ItemId, str]]:
        """Shards to work on now, as `due` answers them, with so many hands in all.

        Evaluations take turns, and none takes so many hands that a later one finds none free.
        """

    def claim(self, item: ItemId, lease_s: float) -> Claim | None:
        """Take the lease of an item that is due; none if it is not, or somebody holds it."""

    def renew(self, claim: Claim, lease_s: float) -> Renewal:
        """Lengthen the lease to so many seconds from now.

        Raises:
            StaleClaimError: the lease was lost.
        """

    def save(self, claim: Claim, doc: dict[str, Any]) -> None:
        """Write the document durably and keep the lease.

        Raises:
            StaleClaimError: the lease was lost; nothing was written.
        """

    def commit(self, claim: Claim, commit: Commit) -> bool:
        """End a step; answers whether the item is due at once.

        Raises:
            StaleClaimError: the lease was lost; nothing was written.
            IllegalTransitionError: the stage may not follow; nothing was written.
        """

    def wake(self, items: Iterable[ItemId]) -> None:
        """Make unfinished items look again, now or when their lease ends."""

    def ask(
        self, items: Iterable[ItemId], what: Asked, choices: Mapping[ItemId, Choice] | None = None
    ) -> list[bool]:
        """Ask something of items, in order; false where an item has ended or is not there.

        So it is with a release of what is neither held nor, as an account, stopped.
        A cancel wins over a release. A choice stays with its release until that is answered, or
        until another choice or a cancel takes its place.
        """

    def join(
        self, new: NewItem, subscriber: str, revive_from: Sequence[str], *, creates: bool = True
    ) -> Creation:
        """Create the item or share it; one that ended in a listed stage goes on from the start.

        Without `creates` an item that is not there is answered as absent.
        """

    def leave(self, item: ItemId, subscriber: str) -> None:
        """Stop sharing an item; the last to leave an unfinished one asks it to be cancelled."""

    def revive(self, record: Record, stage: str, doc: dict[str, Any], event: str) -> bool:
        """Take up an ended item again; false if it is not as the record says any more.

        Raises:
            IllegalTransitionError: that stage may not be taken up from the present one.
        """

    def parked_on(self, item: ItemId) -> dict[ItemId, str]:
        """The items that are parked on this one, with their marks."""

"""Letting ended items go, and bringing them back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import Record
from tuneq_shared.ports.catalogue import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedItem:
    """An ended item, with all that it takes to bring it back."""

    item: ItemId
    stage: str
    fixed: dict[str, Any]
    doc: dict[str, Any]
    created_at: float  # Redis time, seconds
    ended_at: float  # Redis time, seconds; of what is shared, when it was last left
    digest: str
    group: str = ""
    name: str = ""
    rank: int = 1
    number: int = 0  # keeps the order of creation
    token: int = 0  # of its last claim
    events: tuple[Event, ...] = ()

    @property
    def files(self) -> list[str]:
        """An upload's files at the provider, those included that it does not use any more."""
        earlier = (*self.doc.get("former", ()), *self.doc.get("stuck", ()))
        known = dict.fromkeys((self.doc.get("file_id"), *earlier))
        return [file for file in known if file] if self.item.kind is Kind.UPLOAD else []

    @property
    def record(self) -> Record:
        """The item as a catalogue shows it."""
        return Record(
            item=self.item,
            stage=self.stage,
            fixed=self.fixed,
            doc=self.doc,
            created_at=self.created_at,
        )


class Retention(Protocol):
    """What has ended, and what the provider need not keep. Each call is safe to be repeated."""

    def cutoff(self, age_s: float) -> float:
        """The Redis time, in seconds, of so long ago."""

    def count(self, kind: Kind, until: float) -> int:
        """How many items of a kind ended by then."""

    def old(self, kind: Kind, until: float, start: int, limit: int) -> list[ItemId]:
        """Items of a kind that ended by then, oldest first, from the start-th on."""

    def read(self, items: Sequence[ItemId]) -> list[EndedItem]:
        """Those of the items that have ended."""

    def forget(self, ended: Sequence[EndedItem], *, dry: bool = False) -> list[bool]:
        """Let items go that are as they were read and that nothing unfinished needs, in order.

        Of a run its id, digest, group and name stay, so that its key and name stay taken, its
        stage is counted on, and its job stays known as its. An upload's files are unneeded from
        then on, and an evaluation's shards go with it.

        Returns:
            Whether each has gone, or with `dry` may go.
        """

    def restore(self, ended: EndedItem) -> bool:
        """Bring an item back as it had ended; false if it is here.

        Raises:
            ConflictError: its key or name is another run's by now, as can be after a loss of Redis.
        """

    def accounts(self) -> set[str]:
        """The accounts at which there ever were forgotten files, configured or not."""

    def forgotten(self, account: str) -> set[str]:
        """Files at an account that went with their uploads and are not yet deleted there."""

    def unneeded(self, account: str, among: Iterable[str]) -> set[str]:
        """Those of the forgotten files that may be deleted now: no request names them."""

    def deleted(self, account: str, file_id: str) -> None:
        """Note that a forgotten file is gone at the provider."""

    def claim_turn(self, what: str, period_s: float) -> bool:
        """Whether nobody has had this turn for so long; then it is the caller's."""

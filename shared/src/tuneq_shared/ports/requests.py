"""The stream on which programs that share nothing but Redis leave their requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody left, unread: its names and values may be any bytes."""

    id: str
    fields: tuple[tuple[bytes, bytes], ...]  # a sound entry has one, `request`
    size: int  # bytes of the first field's value, which may have been cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An entry that is not taken, and why."""

    entry: str  # its id
    reason: str
    hint: str
    request: str  # what it said, cut to a bound and without secrets


class RequestStream(Protocol):
    """One reader's side. An entry that was taken stays until it is settled, by whomever."""

    def take(self, limit: int, idle_s: float) -> list[Entry]:
        """Take new entries, and those that another reader took so long ago and did not settle."""

    def settle(self, done: Sequence[str], refused: Sequence[Refusal]) -> None:
        """Be done with entries, and write the refusals where their senders find them, in one write.

        An entry that was settled before is passed over.
        """

    def give_back(self) -> None:
        """Let any reader take at once what this one took and did not settle."""

    def forget(self, idle_s: float) -> None:
        """Strike off readers that hold nothing and have not been seen for so long."""

    def leave(self) -> None:
        """Give back what is held, and strike this reader off if it holds nothing."""

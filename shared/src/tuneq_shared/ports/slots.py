"""Slots as the provider's list corrects them. Runs take and free theirs with their commits."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tuneq_shared.domain.item import ItemId


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A job that the provider counts as active."""

    id: str
    model: str  # the base model as the provider calls it
    item: ItemId | None = None  # whose it is by its mark or its metadata, whether it is here or not


class SlotBook(Protocol):
    """What is known of the slots of an account's pools, one for each base model."""

    def watched(self, account: str) -> list[str] | None:
        """The jobs of others that the last look saw; none where nobody has or wants a job."""

    def in_line(self, account: str) -> int:
        """How many wait for a slot."""

    def observe(self, account: str, active: Iterable[ActiveJob], for_s: float) -> None:
        """Count what no slot stands for into the caps, for so many seconds at most.

        In the same write: a slot whose item is gone, has ended or is of another pool is free; an
        item in line whose job is active has its slot; and free slots go to the first in line.
        """

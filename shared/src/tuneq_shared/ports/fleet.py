"""Who is at work, what they know of the accounts, and which data root all share."""

from dataclasses import dataclass
from typing import Protocol

from tuneq_shared.domain.item import Queue

LOST_AFTER_S = 30.0
"""A worker that has said nothing for so long is taken for lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerInfo:
    """What a worker says of itself with every heartbeat."""

    name: str
    queues: tuple[Queue, ...]
    concurrency: int
    accounts: dict[str, str]  # account: empty when usable here, else what is missing
    version: str
    seen_at: float = 0.0  # Redis time, seconds


class Fleet(Protocol):
    """The registry of workers."""

    def heartbeat(self, worker: WorkerInfo) -> None:
        """Say that a worker lives."""

    def farewell(self, name: str) -> None:
        """Take a worker that stops off the list."""

    def workers(self) -> list[WorkerInfo]:
        """All workers that said something and did not say farewell, lost ones included."""

    def now(self) -> float:
        """Redis time, seconds."""

    def claim_root(self, root: str) -> str:
        """Make this the data root's id if none is known; answers the known one."""

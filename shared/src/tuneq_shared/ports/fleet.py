"""Who is at work, what they know of the accounts, and which data root all share."""

from dataclasses import dataclass, field
from datetime import date
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
    scorers: tuple[str, ...] = ()  # those that users registered there
    seen_at: float = 0.0  # Redis time, seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """What a worker saw when it last looked at the models that an account lists."""

    count: int = 0
    end_dates: dict[str, date] = field(default_factory=dict)  # of those with one, the soonest
    seen_at: float = 0.0  # Redis time, seconds; 0: never
    trouble: str = ""  # why a later look failed


class Fleet(Protocol):
    """The registry of workers, and of what they see of the accounts."""

    def heartbeat(self, worker: WorkerInfo) -> None:
        """Say that a worker lives."""

    def farewell(self, name: str) -> None:
        """Take a worker that stops off the list."""

    def workers(self) -> list[WorkerInfo]:
        """All workers that said something and did not say farewell, lost ones included."""

    def tell_models(self, account: str, models: ModelList) -> None:
        """Say what was seen of an account's models."""

    def models(self) -> dict[str, ModelList]:
        """What was said last, by account."""

    def now(self) -> float:
        """Redis time, seconds."""

    def claim_root(self, root: str) -> str:
        """Make this the data root's id if none is known; answers the known one."""

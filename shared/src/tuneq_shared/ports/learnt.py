"""What the fleet has learnt of an account's limits, for people to see: nothing is decided by it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The places among the active jobs of one base model."""

    model: str
    learnt: int | None  # jobs that may be active at once, as far as is known
    ours: int  # places that runs have
    others: int  # active jobs that no run here has
    waiting: int  # runs in line


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRates:
    """What one model may be asked a minute, as answers say or as was found out; none: unknown."""

    model: str
    requests_per_minute: float | None
    tokens_per_minute: float | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """Of one account, by model."""

    places: tuple[Places, ...] = ()
    rates: tuple[ModelRates, ...] = ()  # of the models that were asked within the hour


class LearntBook(Protocol):
    """What is known of all accounts."""

    def read(self) -> dict[str, Learnt]:
        """By account; those of which nothing is known are left out."""

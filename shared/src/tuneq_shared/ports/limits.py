"""The limiter: how many calls an account takes, shared by all workers of the fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What an account may be asked a minute; none: as its answers say, or as is found out."""

    requests: int | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an answer says of one of the account's buckets, as it was when the call came in."""

    limit: float  # a minute
    remaining: float
    reset_s: float | None = None  # until it is full; none where the answer does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What an answer says of the account's limits."""

    requests: Told | None = None
    tokens: Told | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that somebody wants to make."""

    id: str  # unlike any other's
    tokens: int  # it may take, answer included


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to make a call, until it is settled or expires."""

    call: Call
    mark: tuple[float, float]  # requests and tokens that had been granted by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a permit. With neither tokens nor latency it stays as it was reserved."""

    permit: Permit
    sent: bool = True  # one that was not sent is given back
    tokens: int | None = None  # that the call really took
    latency_s: float | None = None  # of an answer
    headroom: Headroom = Headroom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An exchange with the limiter, for one bucket."""

    bucket: str
    rates: Rates
    wants: Mapping[str, Sequence[Call]] = field(default_factory=dict)  # by who asks, in order
    settled: Sequence[Settlement] = ()
    refused_s: float = 0.0  # the provider has said that nobody may call for so long
    expiry_s: float = 120.0  # longer than any call lasts


@dataclass(frozen=True, slots=True)
class Granted:
    """The permits of a turn, and when to come again for the rest."""

    permits: tuple[Permit, ...]
    wait_s: float


class Limiter(Protocol):
    """One limiter for the whole fleet; a bucket for each account and model."""

    async def turn(self, turn: Turn) -> Granted:
        """Settle, then take as many permits as there is room for: each call whole or not at all.

        Who asks for the same bucket at the same time gets a like share of it. The same turn
        again, after its answer was lost, takes and settles nothing twice.
        """

"""The lane: how the shards in hand of one process ask their accounts, all together."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from tuneq_shared.ports.limits import Permit, Settlement
from tuneq_worker.ports.provider import Chat

T = TypeVar("T")


class Pace(Protocol):
    """The calls of this process to one account and model, let through by the fleet's limiter."""

    async def permit(self, asker: str, tokens: int, wanted: Callable[[], bool]) -> Permit | None:
        """Wait for the right to make a call that may take so many tokens; settle it afterwards.

        None: while it waited, the call was no longer wanted. Who asks under different names at
        the same time gets a like share.
        """

    def settle(self, settlement: Settlement) -> None:
        """Tell what became of a permit, without waiting."""

    def refuse(self, seconds: float) -> None:
        """Tell that the provider takes no call of anybody for so long, without waiting."""


class Lane(Protocol):
    """One event loop in a thread of its own, and one open line to each account."""

    def run(self, account: str, model: str, work: Callable[[Chat, Pace], Awaitable[T]]) -> T:
        """Do the work on the loop, and wait for it here. Several threads may.

        Raises:
            ConfigurationError: the account is not configured here, or its key is not here.
        """

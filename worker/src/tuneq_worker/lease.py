"""A claim in hand, renewed in the background where a stage takes long."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic

from redis.exceptions import RedisError

from tuneq_shared.domain.record import ItemT, document
from tuneq_shared.errors import StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, ItemStore

log = logging.getLogger(__name__)

# One that goes on while the machine is suspended, where the system has it.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed_s() -> float:
    """Seconds since some instant; they go on while this process is stopped."""
    return time.clock_gettime(_CLOCK)


class ClaimLease(Generic[ItemT]):
    """`Lease` over the store's claim, which was asked for at `since` by the clock."""

    def __init__(
        self,
        store: ItemStore,
        claim: Claim,
        seconds: float,
        stopping: threading.Event,
        *,
        since: float,
        clock: Callable[[], float] = elapsed_s,
    ) -> None:
        self._store = store
        self._claim = claim
        self._seconds = seconds
        self._stopping = stopping
        self._lost = False
        self._clock = clock
        self._end = clock() + seconds  # as far as is known here, never too early
        self._sure_until = since + seconds  # never too late
        self._renewing = threading.Lock()
        self.saved: ItemT | None = None  # as it stands in the store since the claim
        self.asked = Asked(claim.record.asked) if claim.record.asked else None
        self.choice = claim.record.choice
        self.slot = claim.slot
        self.now = claim.now
        self.token = claim.token
        self.wakes = claim.wakes

    @property
    def wanted(self) -> bool:
        """Held, not to be cancelled, and by a worker that is to go on."""
        given_up = self._lost or self._stopping.is_set()
        return not given_up and self.asked is not Asked.CANCEL

    def save(self, item: ItemT) -> None:
        """Write the document."""
        self._store.save(self._claim, document(item))
        self.saved = item

    def require(self) -> None:
        """Not a word to Redis: what is said there may be over when the answer is here."""
        if self._lost or self._clock() >= self._sure_until:
            raise StaleClaimError(f"the lease on {self._claim.item} was lost; nothing was sent")

    def renew(self, seconds: float) -> None:
        """Never shorter than the usual lease, nor than what is left."""
        with self._renewing:  # the keeper's must not come after a longer one that it has not seen
            now = self._clock()
            seconds = max(seconds, self._seconds, self._end - now)
            renewal = self._store.renew(self._claim, seconds)
            self._end = self._sure_until = now + seconds
            self.asked, self.now = renewal.asked, renewal.now

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A thread renews at a third of the lease, until the block ends or the lease is lost."""
        done = threading.Event()

        def keep() -> None:
            while not done.wait(self._seconds / 3):
                try:
                    self.renew(self._seconds)
                except StaleClaimError:
                    self._lost = True
                    return
                except (RedisError, OSError) as error:
                    log.warning("%s: not renewed, Redis is away: %s", self._claim.item, error)

        keeper = threading.Thread(target=keep, name="lease-keeper", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

"""A claim in hand, renewed in the background where a stage takes long."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic

from redis.exceptions import RedisError

from tuneq_shared.domain.record import ItemT, document
from tuneq_shared.errors import StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, ItemStore

log = logging.getLogger(__name__)


class ClaimLease(Generic[ItemT]):
    """`Lease` over the store's claim."""

    def __init__(
        self, store: ItemStore, claim: Claim, seconds: float, stopping: threading.Event
    ) -> None:
        self._store = store
        self._claim = claim
        self._seconds = seconds
        self._stopping = stopping
        self._lost = False
        self.saved: ItemT | None = None  # as it stands in the store since the claim
        self.asked = Asked(claim.record.asked) if claim.record.asked else None
        self.slot = claim.slot
        self.now = claim.now
        self.token = claim.token

    @property
    def wanted(self) -> bool:
        """Held, not to be cancelled, and by a worker that is to go on."""
        given_up = self._lost or self._stopping.is_set()
        return not given_up and self.asked is not Asked.CANCEL

    def save(self, item: ItemT) -> None:
        """Write the document."""
        self._store.save(self._claim, document(item))
        self.saved = item

    def renew(self, seconds: float) -> None:
        """Never shorter than the usual lease."""
        renewal = self._store.renew(self._claim, max(seconds, self._seconds))
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

"""Celery's transport over Redis, such that a worker survives the loss of its connection.

Kombu 5.7 touches a channel whose connection is gone already, and the worker exits with an
`AttributeError`: when it closes the channel, to put back what was not acknowledged, and later,
when a task ends that came through it. Both can be left out here, for a message is only a hint: an
item whose hint is lost stays due.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that leaves a lost connection alone, and keeps its client."""

    _kept: Any = None

    @property
    def is_connected(self) -> bool:
        """Whether Redis may be asked anything through it."""
        transport: Any = self.connection  # none once the channel is closed
        return transport is not None and transport.client is not None

    do_restore: Any = is_connected  # whether closing puts back what was not acknowledged

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Acknowledge a message, unless its connection is lost."""
        if self.is_connected:
            super().basic_ack(delivery_tag, multiple=multiple)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Reject a message, unless its connection is lost."""
        if self.is_connected:
            super().basic_reject(delivery_tag, requeue=requeue)

    @contextmanager
    def conn_or_acquire(self, client: Any = None) -> Iterator[Any]:
        """One client for all that is sent and acknowledged: Kombu makes one for each message."""
        if self._kept is not None and self._kept.connection_pool is not self.pool:
            self._kept = None
        with super().conn_or_acquire(client or self._kept) as used:
            if client is None:
                self._kept = used
            yield used


class Transport(redis.Transport):
    """The transport, with such channels."""

    Channel: Any = Channel

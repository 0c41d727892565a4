"""Celery's transport over Redis, such that a worker survives the loss of its connection.

Kombu 5.7 touches a channel whose connection is gone already, and the worker exits with an
`AttributeError`: when it closes the channel, to put back what was not acknowledged, and later,
when a task ends that came through it. Both can be left out here, for a message is only a hint: an
item whose hint is lost stays due.
"""

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):
    """A channel that leaves a lost connection alone."""

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


class Transport(redis.Transport):
    """The transport, with such channels."""

    Channel: Any = Channel

"""A message that came through a connection which is lost since."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kombu import Connection, Message

from tuneq_worker.broker import Transport


@pytest.fixture
def connection(redis_url: str, store_prefix: str) -> Iterator[Connection]:
    options = {"global_keyprefix": f"{store_prefix}:"}
    with Connection(redis_url, transport=Transport, transport_options=options) as made:
        yield made


@pytest.fixture
def message(connection: Connection) -> Message:
    """One that is in hand, not acknowledged."""
    queue = connection.SimpleQueue("hints", serializer="json")
    queue.put({"item": "run:x"})
    message: Message = queue.get(timeout=10)
    return message


@pytest.mark.parametrize(
    "end", [Message.ack, Message.reject, Message.requeue], ids=lambda end: end.__name__
)
def test_its_end_is_left_alone(message: Message, end: Callable[[Message], None]) -> None:
    channel: Any = message.channel
    _lose(message)
    channel.close()

    end(message)


def test_its_channel_closes(message: Message) -> None:
    channel: Any = message.channel
    _lose(message)

    channel.close()

    assert channel.closed


def test_on_a_live_connection_it_is_acknowledged(message: Message) -> None:
    channel: Any = message.channel
    assert channel.client.hlen("unacked") == 1

    message.ack()

    assert channel.client.hlen("unacked") == 0


def test_one_client_serves_until_its_connections_are_given_up(message: Message) -> None:
    channel: Any = message.channel
    with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
        assert first is second
    channel._disconnect_pools()
    with channel.conn_or_acquire() as third:
        assert third is not first
        assert third.ping()


def _lose(message: Message) -> None:
    """As Celery's worker leaves it when its first try to close the connection breaks off."""
    channel: Any = message.channel
    channel.connection.client = None

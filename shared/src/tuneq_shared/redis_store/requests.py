"""The stream of foreign requests: a Redis stream, read by one consumer group."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.client import NEVER_DECODE

from tuneq_shared.ports.requests import Entry, Refusal

GROUP = "tuneq"
FIELD = "request"
MAX_REJECTED = 10_000
"""About so many refusals are kept, the newest."""

_START = "0-0"


def requests_key(prefix: str) -> str:
    """The stream's name."""
    return f"{prefix}:requests"


def rejected_key(prefix: str) -> str:
    """The name of the stream of refusals."""
    return f"{prefix}:requests:rejected"


def send_request(client: Redis, prefix: str, request: bytes) -> None:
    """Leave a request, as JSON, as any program may."""
    client.xadd(requests_key(prefix), {FIELD: request})


class RedisRequestStream:
    """`RequestStream` on Redis. The group is made by whoever finds it missing."""

    def __init__(self, client: Redis, prefix: str, reader: str, *, longest: int) -> None:
        """A reader by its name; of longer values only so many bytes and one more are fetched."""
        # Redis-py types the answers of its sync and async clients as one.
        self._client: Any = client
        self._stream = requests_key(prefix)
        self._rejected = rejected_key(prefix)
        self._reader = reader
        self._longest = longest
        self._cursor = _START
        self._take = _text("take")
        self._settle = client.register_script(_text("settle"))
        self._give_back = client.register_script(_text("give_back"))
        self._forget = client.register_script(_text("forget"))

    def take(self, limit: int, idle_s: float) -> list[Entry]:
        """Old ones first."""
        args = (GROUP, self._reader, limit, round(idle_s * 1000), self._cursor, self._longest)
        # Undecoded: the values need not be UTF-8, and one such would hide all the others.
        cursor, entries = self._client.execute_command(
            "EVAL", self._take, 1, self._stream, *args, **{NEVER_DECODE: []}
        )
        self._cursor = cursor.decode()
        return [
            Entry(entry.decode(), tuple(zip(fields[::2], fields[1::2], strict=True)), size)
            for entry, fields, size in entries
        ]

    def settle(self, done: Sequence[str], refused: Sequence[Refusal]) -> None:
        """Acknowledge, delete, and note the refusals, in one script."""
        told = [part for r in refused for part in (r.entry, r.reason, r.hint, r.request)]
        self._settle(
            keys=[self._stream, self._rejected],
            args=[GROUP, MAX_REJECTED, len(done), *done, *told],
        )

    def give_back(self) -> None:
        """Age what is held, so that the next `take` of anybody takes it over."""
        self._give_back(keys=[self._stream], args=[GROUP, self._reader])

    def forget(self, idle_s: float) -> None:
        """Delete consumers."""
        self._forget(keys=[self._stream], args=[GROUP, round(idle_s * 1000), ""])

    def leave(self) -> None:
        """Give back, and delete this consumer."""
        self.give_back()
        self._forget(keys=[self._stream], args=[GROUP, 2**53, self._reader])


def _text(name: str) -> str:
    folder = files("tuneq_shared.redis_store") / "scripts"
    return (folder / f"requests_{name}.lua").read_text("utf-8")

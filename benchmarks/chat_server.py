"""A chat server with true token buckets, in a process of its own.

    python -m benchmarks.chat_server '{"requests_per_minute": 3000, "burst_s": 1.0}'

It prints its port, and answers `GET /stats`.
"""

import asyncio
import json
import math
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True)
class Options:
    """How it answers; a rate of none has no bucket and no header."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    burst_s: float = 1.0  # worth of rate that a bucket holds
    latency_s: float = 0.3
    headers: bool = True


@dataclass
class Bucket:
    """Fills at a steady rate up to its capacity."""

    unit: str
    per_minute: float
    capacity: float
    level: float = 0.0
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level, self.at = self.capacity, time.monotonic()

    def refill(self, now: float) -> None:
        """Add what flowed in since."""
        gained = (now - self.at) * self.per_minute / 60
        self.level, self.at = min(self.capacity, self.level + gained), now

    def lack_s(self, amount: float) -> float:
        """Seconds until so much is there."""
        return max(0.0, (amount - self.level) * 60 / self.per_minute)

    def headers(self) -> str:
        """What OpenAI says of its own."""
        reset_ms = math.ceil((self.capacity - self.level) * 60_000 / self.per_minute)
        return (
            f"x-ratelimit-limit-{self.unit}: {self.per_minute:.0f}\r\n"
            f"x-ratelimit-remaining-{self.unit}: {max(0, math.floor(self.level))}\r\n"
            f"x-ratelimit-reset-{self.unit}: {reset_ms}ms\r\n"
        )


@dataclass
class Seen:
    """What became of the requests."""

    answered: int = 0
    refused: int = 0
    first: float = 0.0  # monotonic
    last: float = 0.0
    prompts: Counter[str] = field(default_factory=Counter)  # by their last words: answers
    by_second: Counter[int] = field(default_factory=Counter)


class Server:
    """Its buckets, and what it has seen."""

    def __init__(self, options: Options) -> None:
        """All buckets are full."""
        self.options = options
        self.seen = Seen()
        rates = {"requests": options.requests_per_minute, "tokens": options.tokens_per_minute}
        self.buckets = [
            Bucket(unit, rate, max(1.0, rate * options.burst_s / 60))
            for unit, rate in rates.items()
            if rate
        ]

    def take(self, body: bytes) -> tuple[str, bytes]:
        """Status with headers, and body, as of the moment of arrival."""
        now = time.monotonic()
        self.seen.first = self.seen.first or now
        asked = orjson.loads(body)
        characters = sum(len(message["content"]) for message in asked["messages"])
        prompt_tokens = characters // 4
        amounts = {"requests": 1, "tokens": prompt_tokens + asked.get("max_tokens", 1)}
        for bucket in self.buckets:
            bucket.refill(now)
        short = max(
            ((bucket.lack_s(amounts[bucket.unit]), bucket.unit) for bucket in self.buckets),
            default=(0.0, ""),
        )
        if short[0] <= 0:
            for bucket in self.buckets:
                bucket.level -= amounts[bucket.unit]
        said = "".join(map(Bucket.headers, self.buckets)) if self.options.headers else ""
        if short[0] > 0:
            self.seen.refused += 1
            wait_ms = math.ceil(short[0] * 1000)
            error = {
                "message": "too fast",
                "type": short[1],
                "code": "rate_limit_exceeded",
            }
            return f"429 Too Many Requests\r\nretry-after-ms: {wait_ms}\r\n{said}", orjson.dumps(
                {"error": error}
            )
        self.seen.prompts[asked["messages"][-1]["content"][-12:]] += 1
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "A", "refusal": None},
                    "finish_reason": "stop",
                    "logprobs": None,
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": 1,
                "total_tokens": prompt_tokens + 1,
            },
        }
        return f"200 OK\r\n{said}", orjson.dumps(answer)

    def stats(self) -> bytes:
        """As JSON."""
        seen = self.seen
        return orjson.dumps(
            {
                "answered": seen.answered,
                "refused": seen.refused,
                "seconds": seen.last - seen.first,
                "different": len(seen.prompts),
            }
        )


class Connection(asyncio.Protocol):
    """One client's connection: requests come one after another."""

    def __init__(self, server: Server) -> None:
        """For one of its connections."""
        self._server = server
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        length = 0
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        server = self._server
        if head.startswith(b"GET"):
            self._send("200 OK\r\n", server.stats())
            return
        status, body = server.take(rest[:length])
        refused = status.startswith("429")
        wait = 0.005 if refused else server.options.latency_s
        loop = asyncio.get_running_loop()
        loop.call_later(wait, self._answer, status, body, refused)

    def _answer(self, status: str, body: bytes, refused: bool) -> None:
        if not refused:
            self._server.seen.answered += 1
            self._server.seen.last = time.monotonic()
        self._send(status, body)

    def _send(self, status: str, body: bytes) -> None:
        about = f"content-type: application/json\r\ncontent-length: {len(body)}"
        head = f"HTTP/1.1 {status}{about}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + body)


async def serve(options: Options) -> None:
    """Until the process ends."""
    loop, server = asyncio.get_running_loop(), Server(options)
    listening = await loop.create_server(lambda: Connection(server), "127.0.0.1", 0, backlog=2048)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


def argument(options: Options) -> str:
    """The command line's one argument."""
    return json.dumps(asdict(options))


if __name__ == "__main__":
    asyncio.run(serve(Options(**json.loads(sys.argv[1]))))

"""One event loop for all shards in hand: open connections, and turns with the limiter, are shared.

It runs while anybody uses it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from threading import Lock, Thread
from typing import Any, TypeVar

from tuneq_shared.ports.limits import Limiter, Rates
from tuneq_shared.redis_store.connection import connect_async
from tuneq_shared.redis_store.limits import RedisLimiter
from tuneq_shared.settings import Settings
from tuneq_worker.evaluation.pace import LimitedPace
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat, Provider
from tuneq_worker.ports.stage import Accounts

T = TypeVar("T")

log = logging.getLogger(__name__)

_SHARDS = 16  # that may use one line at once without waiting for connections


class LoopLane:
    """`Lane` of a worker process."""

    def __init__(self, accounts: Accounts, settings: Settings) -> None:
        self._accounts = accounts
        self._settings = settings
        self._lock = Lock()
        self._users = 0
        self._loop: _Loop | None = None

    def run(self, account: str, model: str, work: Callable[[Chat, Pace], Awaitable[T]]) -> T:
        """Several shards at once, on one loop."""
        provider = self._accounts.provider(account)
        with self._in_use() as loop:

            async def with_line() -> T:
                chat, pace = await loop.line(provider, account, model)
                return await work(chat, pace)

            return loop.call(with_line())

    @contextmanager
    def _in_use(self) -> "Iterator[_Loop]":
        with self._lock:
            if self._loop is None:
                self._loop = _Loop(self._settings)
            loop = self._loop
            self._users += 1
        try:
            yield loop
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._loop = None
                    try:
                        loop.close()
                    except Exception:  # what was answered must not be lost with it
                        log.exception("a line was not closed well")


class _Loop:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened = AsyncExitStack()
        self._chats: dict[str, Chat] = {}
        self._paces: dict[str, Pace] = {}
        self._limiter: Limiter | None = None
        self._opening = asyncio.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="tuneq-chat", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def line(self, provider: Provider, account: str, model: str) -> tuple[Chat, Pace]:
        limits = self._settings.account(account)[1].limits
        async with self._opening:
            if account not in self._chats:
                connections = limits.requests_in_flight * _SHARDS
                self._chats[account] = await self._enter(provider.open_chat(connections))
            if self._limiter is None:
                self._limiter = await self._enter(_limiter(self._settings))
            bucket = f"{account}/{model}"
            if bucket not in self._paces:
                rates = Rates(requests=limits.requests_per_minute, tokens=limits.tokens_per_minute)
                pace = LimitedPace(self._limiter, bucket, rates)
                self._opened.push_async_callback(pace.close)
                self._paces[bucket] = pace
        return self._chats[account], self._paces[bucket]

    def close(self) -> None:
        try:
            self.call(self._opened.aclose())
            self.call(self._loop.shutdown_default_executor())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _enter(self, context: AbstractAsyncContextManager[T]) -> T:
        return await self._opened.enter_async_context(context)


@asynccontextmanager
async def _limiter(settings: Settings) -> AsyncIterator[Limiter]:
    async with connect_async(settings.redis_url) as client:
        yield RedisLimiter(client, settings.key_prefix)

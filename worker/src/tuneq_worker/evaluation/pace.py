"""Waiting for the limiter's permits: one exchange at a time for all calls of a process."""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice

from redis.exceptions import RedisError

from tuneq_shared.ports.limits import Call, Limiter, Permit, Rates, Settlement, Turn

log = logging.getLogger(__name__)

_TICK_S = 0.05  # between two turns that do not get all they ask for
_LOOK_S = 1.0  # between two looks whether the calls are still wanted
_TROUBLED_S = 1.0
_FAREWELL_S = 2.0
_FEWEST = 4  # calls asked for in one turn; twice as many as the last turn gave if that is more


@dataclass(slots=True)
class _Waiting:
    call: Call
    wanted: Callable[[], bool]
    permit: "asyncio.Future[Permit | None]"


class LimitedPace:
    """`Pace` over a limiter, for one account and model, on one event loop."""

    def __init__(self, limiter: Limiter, bucket: str, rates: Rates) -> None:
        self._limiter = limiter
        self._bucket = bucket
        self._rates = rates
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._settled: list[Settlement] = []
        self._refused_s = 0.0
        self._most = _FEWEST
        self._name = os.urandom(6).hex()
        self._numbers = count()
        self._pump: asyncio.Task[None] | None = None
        self._look_at = 0.0  # monotonic

    async def permit(self, asker: str, tokens: int, wanted: Callable[[], bool]) -> Permit | None:
        """Stand in line."""
        permit: asyncio.Future[Permit | None] = asyncio.get_running_loop().create_future()
        call = Call(f"{self._name}-{next(self._numbers)}", tokens)
        self._waiting.setdefault(asker, deque()).append(_Waiting(call, wanted, permit))
        self._go()
        try:
            return await permit
        except asyncio.CancelledError:
            if permit.done() and not permit.cancelled():
                self._hand_back(permit.result())
            raise

    def settle(self, settlement: Settlement) -> None:
        """With the next turn."""
        self._settled.append(settlement)
        self._go()

    def refuse(self, seconds: float) -> None:
        """With the next turn."""
        self._refused_s = max(self._refused_s, seconds)
        self._go()

    async def close(self) -> None:
        """Settle what is left; what cannot be settled now expires."""
        if self._pump is not None:
            await asyncio.wait([self._pump], timeout=_FAREWELL_S)
            self._pump.cancel()

    def _go(self) -> None:
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._turns())

    async def _turns(self) -> None:
        """Turn after turn while there is something to say."""
        try:
            while self._lines() or self._settled or self._refused_s:
                pause_s = await self._turn()
                await asyncio.sleep(pause_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits must hear of it
            for _, line in self._lines():
                for each in _open(line):
                    each.permit.set_exception(error)

    async def _turn(self) -> float:
        """One exchange; answers how long to wait before the next."""
        self._drop_unwanted()
        asked = {asker: list(islice(_open(line), self._most)) for asker, line in self._lines()}
        settled, self._settled = self._settled, []
        refused_s, self._refused_s = self._refused_s, 0.0
        turn = Turn(
            bucket=self._bucket,
            rates=self._rates,
            wants={asker: [each.call for each in line] for asker, line in asked.items()},
            settled=settled,
            refused_s=refused_s,
        )
        try:
            granted = await self._limiter.turn(turn)
        except (RedisError, OSError) as error:
            log.warning("Redis is away, calls to %s wait: %s", self._bucket, error)
            self._settled = settled + self._settled
            self._refused_s = max(self._refused_s, refused_s)
            return _TROUBLED_S
        permits = {permit.call.id: permit for permit in granted.permits}
        for line in asked.values():
            self._hand_out(line, permits)
        self._most = max(_FEWEST, 2 * len(permits))
        if len(permits) == sum(map(len, asked.values())):
            return 0.0 if self._lines() else _TICK_S
        return min(max(granted.wait_s, _TICK_S), _LOOK_S)

    def _hand_out(self, line: list[_Waiting], permits: dict[str, Permit]) -> None:
        for each in line:
            permit = permits.get(each.call.id)
            if permit is None:
                return  # the first ones come first
            if each.permit.done():  # cancelled while the limiter was asked
                self._hand_back(permit)
            else:
                each.permit.set_result(permit)

    def _drop_unwanted(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        for _, line in self._lines():
            for each in _open(line):
                if not each.wanted():
                    each.permit.set_result(None)

    def _lines(self) -> list[tuple[str, deque[_Waiting]]]:
        """Who waits, each line beginning with one who still does."""
        for asker, line in list(self._waiting.items()):
            while line and line[0].permit.done():
                line.popleft()
            if not line:
                del self._waiting[asker]
        return list(self._waiting.items())

    def _hand_back(self, permit: Permit | None) -> None:
        if permit is not None:
            self.settle(Settlement(permit=permit, sent=False))


def _open(line: Iterable[_Waiting]) -> Iterator[_Waiting]:
    return (each for each in line if not each.permit.done())

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tuneq_shared.ports.limits import Granted, Permit, Rates, Settlement, Turn
from tuneq_worker.evaluation import pace as module
from tuneq_worker.evaluation.pace import LimitedPace


@dataclass
class FakeLimiter:
    """Grants so many calls in each turn, and keeps the turns."""

    each: int = 100
    trouble: list[Exception] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    async def turn(self, turn: Turn) -> Granted:
        self.turns.append(turn)
        await asyncio.sleep(0)
        self.meanwhile()
        if self.trouble:
            raise self.trouble.pop(0)
        calls = [call for calls in turn.wants.values() for call in calls]
        return Granted(tuple(Permit(call, (0.0, 0.0)) for call in calls[: self.each]), 0.01)

    @property
    def settled(self) -> list[Settlement]:
        return [each for turn in self.turns for each in turn.settled]


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    clock = iter(range(10**9))
    names = ("CancelledError", "Future", "Task", "create_task", "get_running_loop", "wait")
    kept = {name: getattr(asyncio, name) for name in names}
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(**kept, sleep=sleep))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))


def run(limiter: FakeLimiter, story: Callable[[LimitedPace], Awaitable[None]]) -> None:
    async def main() -> None:
        pace = LimitedPace(limiter, "a/m", Rates(requests=60))
        await story(pace)
        await pace.close()

    asyncio.run(main())


def always() -> bool:
    return True


def test_many_calls_are_asked_for_in_few_turns() -> None:
    limiter = FakeLimiter()

    async def story(pace: LimitedPace) -> None:
        permits = await asyncio.gather(*(pace.permit("e", n, always) for n in range(100)))
        assert [p.call.tokens for p in permits if p] == list(range(100))
        assert len({p.call.id for p in permits if p}) == 100

    run(limiter, story)
    assert len(limiter.turns) <= 8
    assert {turn.bucket for turn in limiter.turns} == {"a/m"}


def test_what_is_not_granted_is_asked_for_again() -> None:
    limiter = FakeLimiter(each=1)

    async def story(pace: LimitedPace) -> None:
        permits = await asyncio.gather(*(pace.permit(f"e{n % 2}", 1, always) for n in range(10)))
        assert all(permits)

    run(limiter, story)
    assert all(len(calls) <= 4 for turn in limiter.turns for calls in turn.wants.values())


def test_settlements_and_refusals_go_along_once() -> None:
    limiter = FakeLimiter()

    async def story(pace: LimitedPace) -> None:
        permit = await pace.permit("e", 1, always)
        assert permit is not None
        pace.settle(Settlement(permit=permit, tokens=5))
        pace.refuse(3.0)
        pace.refuse(7.0)

    run(limiter, story)
    assert [each.tokens for each in limiter.settled] == [5]
    assert [turn.refused_s for turn in limiter.turns if turn.refused_s] == [7.0]


def test_who_is_no_longer_wanted_stops_waiting() -> None:
    limiter = FakeLimiter(each=0)

    async def story(pace: LimitedPace) -> None:
        looks = iter([True, True, False])
        assert await pace.permit("e", 1, lambda: next(looks)) is None

    run(limiter, story)


def test_a_permit_that_comes_too_late_is_handed_back() -> None:
    limiter = FakeLimiter()

    async def story(pace: LimitedPace) -> None:
        asking = asyncio.ensure_future(pace.permit("e", 1, always))
        limiter.meanwhile = asking.cancel
        with pytest.raises(asyncio.CancelledError):
            await asking

    run(limiter, story)
    (settled,) = limiter.settled
    assert not settled.sent


def test_without_redis_all_wait_and_nothing_is_forgotten() -> None:
    limiter = FakeLimiter()

    async def story(pace: LimitedPace) -> None:
        first = await pace.permit("e", 1, always)
        assert first is not None
        limiter.trouble = [RedisConnectionError("away"), OSError("away")]
        pace.settle(Settlement(permit=first, tokens=5))
        pace.refuse(7.0)
        assert await pace.permit("e", 1, always)

    run(limiter, story)
    told = [replace(turn, wants={}) for turn in limiter.turns if turn.settled]
    assert len(told) == 3
    assert told == [told[0]] * 3, "the limiter takes what it hears twice for once"


def test_a_fault_is_heard_by_all_who_wait_and_by_nobody_after() -> None:
    limiter = FakeLimiter(trouble=[ZeroDivisionError()])

    async def story(pace: LimitedPace) -> None:
        calls = (pace.permit("e", 1, always) for _ in range(3))
        faults = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in faults] == [ZeroDivisionError] * 3
        assert await pace.permit("e", 1, always)

    run(limiter, story)

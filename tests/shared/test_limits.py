"""The limiter on a real server, with a clock that the test moves."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from tuneq_shared.ports.limits import Call, Granted, Headroom, Permit, Rates, Settlement, Told, Turn
from tuneq_shared.redis_store.connection import connect_async
from tuneq_shared.redis_store.limits import RedisLimiter, turn_script

T = TypeVar("T")
RATES = Rates(requests=600, tokens=60_000)  # ten requests and a thousand tokens a second
USABLE_S = 0.5  # of a second's burst, half is withheld

prefixes = itertools.count()


@dataclass
class Lab:
    """A limiter whose script reads the test's clock in the place of Redis TIME."""

    client: Redis
    prefix: str
    rates: Rates = RATES
    bucket: str = "account/model"
    now: float = 1_000_000.0
    ids: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        clock = f"redis.call('LRANGE', '{self.prefix}:clock', 0, 1)"
        script = turn_script()
        assert script.count("redis.call('TIME')") == 1
        text = script.replace("redis.call('TIME')", clock)
        self.limiter = RedisLimiter(self.client, self.prefix, text)

    async def turn(self, **fields: Any) -> Granted:
        clock = self.client.pipeline(transaction=False)
        micros = round(self.now * 1e6)
        clock.delete(f"{self.prefix}:clock")
        clock.rpush(f"{self.prefix}:clock", micros // 1_000_000, micros % 1_000_000)
        await clock.execute()
        return await self.limiter.turn(Turn(bucket=self.bucket, rates=self.rates, **fields))

    async def ask(self, asker: str = "e", calls: int = 1, tokens: int = 1) -> tuple[Permit, ...]:
        wants = {asker: [Call(f"c{next(self.ids)}", tokens) for _ in range(calls)]}
        return (await self.turn(wants=wants)).permits

    async def settle(self, permits: Sequence[Permit], **fields: Any) -> None:
        await self.turn(settled=[Settlement(permit=permit, **fields) for permit in permits])

    async def drain(self) -> int:
        """Take all there is; what is settled at once is not under way."""
        taken = 0
        while permits := await self.ask(calls=50):
            taken += len(permits)
            await self.settle(permits)
        return taken


@pytest.fixture
def lab(redis_url: str) -> Callable[[Callable[[Lab], Awaitable[T]]], T]:
    def run(story: Callable[[Lab], Awaitable[T]]) -> T:
        async def main() -> T:
            async with connect_async(redis_url) as client:
                return await story(Lab(client, f"limits-{id(story)}-{next(prefixes)}"))

        return asyncio.run(main())

    return run


def told(limit: float, remaining: float, reset_s: float | None = None) -> Headroom:
    return Headroom(requests=Told(limit=limit, remaining=remaining, reset_s=reset_s))


Run = Callable[[Callable[[Lab], Awaitable[Any]]], Any]

steps = st.lists(
    st.tuples(
        st.floats(0, 3),  # seconds that pass
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 30),  # calls
        st.integers(0, 900),  # tokens of each
        st.booleans(),  # what is open is settled
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(steps=steps)
def test_no_window_has_more_than_its_buckets_allow(redis_url: str, steps: Any) -> None:
    async def story(lab: Lab) -> None:
        granted: list[tuple[float, int]] = []  # when, tokens
        for pause, asker, calls, tokens, settles in steps:
            lab.now += pause
            permits = await lab.ask(asker, calls, tokens)
            granted += [(lab.now, permit.call.tokens) for permit in permits]
            if settles:
                await lab.settle(permits, tokens=tokens, latency_s=0.2)
        for first, (since, _) in enumerate(granted):
            tokens_in = 0
            for requests_in, (until, tokens) in enumerate(granted[first:], 1):
                tokens_in += tokens
                seconds = USABLE_S + until - since
                assert requests_in <= 10 * seconds + 0.001
                # A call larger than the bucket is let through when the bucket is full.
                assert tokens_in <= 1000 * seconds + max(0, tokens - 500) + 0.001

    async def main() -> None:
        async with connect_async(redis_url) as client:
            await story(Lab(client, f"windows-{next(prefixes)}"))

    asyncio.run(main())


def test_requests_and_tokens_are_taken_together_or_not_at_all(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        assert len(await lab.ask(calls=9, tokens=200)) == 2, "500 tokens are usable"
        assert len(await lab.ask(calls=9, tokens=101)) == 0
        assert len(await lab.ask(calls=1, tokens=100)) == 1, "a refused call has taken nothing"
        assert len(await lab.ask(calls=9, tokens=0)) == 2, "five requests are usable"

    lab(story)


def test_it_says_when_to_come_again(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        await lab.drain()
        call = Call("later", 1)
        answer = await lab.turn(wants={"e": [call]})
        assert answer.permits == ()
        assert 0.099 < answer.wait_s <= 0.1
        lab.now += answer.wait_s + 0.0001
        (permit,) = (await lab.turn(wants={"e": [call]})).permits
        assert permit.call == call

    lab(story)


def test_what_a_dead_worker_took_comes_back(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        lab.rates = Rates(requests=6, tokens=600)  # slow to fill by itself
        wants = {"e": [Call("dead", 8)]}
        assert (await lab.turn(wants=wants, expiry_s=1.0)).permits
        assert not await lab.ask(tokens=1)
        lab.now += 1.01
        assert len(await lab.ask(tokens=1)) == 1

    lab(story)


def test_a_permit_that_was_not_used_comes_back_once(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        permits = await lab.ask(calls=50)
        assert len(permits) == 5
        for _ in range(2):  # the answer to the first was lost
            await lab.settle(permits[:2], sent=False)
        assert await lab.drain() == 2

    lab(story)


@pytest.mark.parametrize(("used", "then"), [(100, 2), (250, 1), (400, 0), (700, 0)])
def test_settling_with_the_true_usage_corrects_both_ways(lab: Run, used: int, then: int) -> None:
    async def story(lab: Lab) -> int:
        permits = await lab.ask(tokens=250)
        await lab.settle(permits, tokens=used)
        await lab.settle(permits, tokens=0)  # what is settled is settled
        return len(await lab.ask(calls=9, tokens=200))

    assert lab(story) == then


def test_tokens_used_beyond_the_estimate_are_a_debt(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        await lab.settle(await lab.ask(tokens=100), tokens=1400)  # 900 too many
        lab.now += 0.89
        assert not await lab.ask(tokens=1)
        lab.now += 0.02
        assert await lab.ask(tokens=1)

    lab(story)


def test_the_same_turn_again_takes_nothing_twice(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        wants: Mapping[str, Sequence[Call]] = {"e": [Call(f"same{n}", 1) for n in range(3)]}
        first = await lab.turn(wants=wants)
        second = await lab.turn(wants=wants)
        assert [p.call for p in first.permits] == [p.call for p in second.permits]
        assert await lab.drain() == 2

    lab(story)


def test_a_refusal_holds_for_all(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        await lab.turn(refused_s=7.0)
        lab.now += 3
        await lab.turn(refused_s=1.0)  # a shorter one shortens nothing
        for asker in "ab":
            answer = await lab.turn(wants={asker: [Call(f"blocked-{asker}", 1)]})
            assert answer.permits == ()
            assert answer.wait_s == pytest.approx(4.0)
        lab.now += 4.01
        assert await lab.ask("a")
        other = Lab(lab.client, lab.prefix, bucket="account/other", now=lab.now)
        assert await other.ask()

    lab(story)


@pytest.mark.parametrize("late", [0.0, 5.0])
def test_two_who_ask_for_unlike_much_get_the_same(lab: Run, late: float) -> None:
    async def story(lab: Lab) -> None:
        got = {"huge": 0, "small": 0}
        begun = lab.now
        while lab.now < begun + late + 20:
            got["huge"] += len(await lab.ask("huge", 30))
            if lab.now >= begun + late:
                got["small"] += len(await lab.ask("small", 4))
            lab.now += 0.05
        in_common = 20 * 10
        assert abs(got["small"] - in_common / 2) <= 0.1 * in_common
        assert sum(got.values()) >= (late + 20) * 10 * 0.97

    lab(story)


def test_one_who_asks_for_little_leaves_the_rest_to_others(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        got = {"huge": 0, "modest": 0}
        for tick in range(400):
            lab.now += 0.05
            if tick % 20 == 0:
                got["modest"] += len(await lab.ask("modest", 1))
            got["huge"] += len(await lab.ask("huge", 30))
        assert got["modest"] >= 19
        assert sum(got.values()) >= 195

    lab(story)


def test_shares_of_tokens_are_like_where_tokens_are_short(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        got = {"long": 0, "short": 0}
        for _ in range(300):
            lab.now += 0.1
            for asker, tokens in (("long", 400), ("short", 110)):
                got[asker] += tokens * len(await lab.ask(asker, 50, tokens))
        assert sum(got.values()) >= 0.97 * 30_000
        assert abs(got["long"] - got["short"]) <= 0.1 * 30_000

    lab(story)


@pytest.mark.parametrize("burst_s", [1.0, 60.0])
@pytest.mark.parametrize("configured", [None, 600, 6000])
def test_rate_and_burst_are_learnt_from_answers(
    lab: Run, burst_s: float, configured: int | None
) -> None:
    async def story(lab: Lab) -> int:
        lab.rates = Rates(requests=configured)
        permits = await lab.ask()
        lab.now += 0.1
        await lab.settle(permits, latency_s=0.1, headroom=told(600, 10 * burst_s - 1, 0.1))
        lab.now += 100
        return await lab.drain()

    assert lab(story) == 10 * (burst_s - 0.5)


def test_a_lower_configured_limit_is_kept_whatever_answers_say(lab: Run) -> None:
    async def story(lab: Lab) -> int:
        taken = 0
        for _ in range(100):
            permits = await lab.ask(calls=99)
            taken += len(permits)
            lab.now += 0.1
            await lab.settle(permits, latency_s=0.1, headroom=told(60_000, 59_000, 1.0))
        return taken

    assert lab(story) <= 10 * 10 + 5


def test_calls_of_others_on_the_account_are_heeded(lab: Run) -> None:
    async def story(lab: Lab) -> int:
        permits = await lab.ask()
        lab.now += 0.1
        await lab.settle(permits, latency_s=0.1, headroom=told(600, 599, 0.1))
        permits = await lab.ask()
        lab.now += 0.1
        await lab.settle(permits, latency_s=0.1, headroom=told(600, 20, 58.0))
        return await lab.drain()

    assert 13 <= lab(story) <= 16, "20 remain, five are withheld, one may have flowed in"


def test_a_daily_limit_is_not_taken_for_one_a_minute(lab: Run) -> None:
    async def story(lab: Lab) -> int:
        permits = await lab.ask()
        await lab.settle(permits, latency_s=0.1, headroom=told(10_000, 9_999, 8.64))
        lab.now += 10
        return await lab.drain()

    assert lab(story) == 5


def test_an_unknown_limit_is_found(lab: Run) -> None:
    """A server of seven a second that says nothing but 429."""

    async def story(lab: Lab) -> None:
        lab.rates = Rates()
        level, refused, done = 7.0, 0, [0.0]
        for _ in range(1500):
            lab.now += 0.1
            level = min(7.0, level + 0.1 * 7)
            for permit in await lab.ask(calls=20):
                if level >= 1:
                    level -= 1
                    done.append(lab.now)
                    await lab.settle([permit], latency_s=0.01)
                else:
                    refused += 1
                    await lab.turn(settled=[Settlement(permit=permit)], refused_s=1.0)
        late = [at for at in done if at > lab.now - 100]
        assert len(late) >= 100 * 7 * 0.7
        assert refused <= 0.05 * len(done)

    lab(story)


def test_no_more_are_under_way_than_the_latency_asks_for(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        for _ in range(20):
            permits = await lab.ask()
            lab.now += 1
            await lab.settle(permits, latency_s=1.0)
        under_way = 0
        for _ in range(30):  # nothing is answered any more
            under_way += len(await lab.ask(calls=99))
            lab.now += 0.1
        assert 15 <= under_way <= 24
        lab.now += 4  # they are thought dead
        assert await lab.ask()

    lab(story)


def test_of_an_unknown_account_a_few_answers_are_awaited_first(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        lab.rates = Rates()
        permits = await lab.ask(calls=50)
        assert len(permits) == 4
        assert not await lab.ask(calls=50)
        lab.now += 10.1  # who took them seems dead
        assert len(await lab.ask(calls=50)) == 4
        await lab.settle(permits, latency_s=0.3)
        assert len(await lab.ask(calls=50)) > 20

    lab(story)


def test_a_redis_that_forgot_grants_no_more_than_was_withheld(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        lab.now += 100
        before = await lab.drain()
        await _forget(lab)
        after = await lab.drain()
        assert before + after <= 10, "a second's worth is what the provider's bucket holds"
        assert after <= 5

    lab(story)


async def _forget(lab: Lab) -> None:
    client: Any = lab.client
    keys = [key async for key in client.scan_iter(match=f"{lab.prefix}:*")]
    await client.delete(*keys)


def test_a_settlement_from_before_the_loss_is_passed_over(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        permits = await lab.ask(calls=3)
        await _forget(lab)
        await lab.drain()
        await lab.settle(permits, tokens=0, latency_s=0.1, headroom=told(600, 600, 0.0))
        assert await lab.drain() == 0

    lab(story)


def test_a_clock_that_goes_back_stops_nobody(lab: Run) -> None:
    async def story(lab: Lab) -> None:
        await lab.drain()
        lab.now -= 1000
        assert await lab.drain() == 0
        lab.now += 1.0
        assert await lab.drain() == 5

    lab(story)

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, World

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.ports.limits import Settlement
from tuneq_shared.settings import Limits
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path, limits=Limits(requests_per_minute=6000))


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "tuneq-chat"]


async def ask(chat: Chat, pace: Pace) -> str:
    permit = await pace.permit("e", 3, lambda: True)
    assert permit is not None
    completion = await chat.complete(MODEL, [], {})
    pace.settle(Settlement(permit=permit, tokens=4, latency_s=0.1))
    return completion.text


def test_many_shards_share_one_loop_and_one_line(world: World) -> None:
    shards = 4
    together = threading.Barrier(shards)  # none leaves before all have come
    seen: set[tuple[int, int, int]] = set()

    def shard(_: int) -> None:
        async def work(chat: Chat, pace: Pace) -> None:
            assert await ask(chat, pace) == "A"
            seen.add((threading.get_ident(), id(chat), id(pace)))
            await asyncio.to_thread(together.wait, 20)

        world.ports.lane.run(ACCOUNT, MODEL, work)

    with ThreadPoolExecutor(shards) as pool:
        list(pool.map(shard, range(shards)))
    assert len(seen) == 1
    assert world.provider.count("open_chat") == 1


def test_the_line_closes_with_its_last_user(world: World) -> None:
    for opened in (1, 2):
        assert world.ports.lane.run(ACCOUNT, MODEL, ask) == "A"
        assert world.provider.count("open_chat") == opened
        assert threads() == []


def test_a_fault_is_its_callers(world: World) -> None:
    async def work(_chat: Chat, _pace: Pace) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.ports.lane.run(ACCOUNT, MODEL, work)
    assert world.ports.lane.run(ACCOUNT, MODEL, ask) == "A"


def test_what_was_taken_is_settled_before_the_line_closes(world: World) -> None:
    world.ports.lane.run(ACCOUNT, MODEL, ask)
    assert not world.redis.exists(f"{world.prefix}:limits:{ACCOUNT}/{MODEL}:held")
    assert world.redis.hget(f"{world.prefix}:limits:{ACCOUNT}/{MODEL}", "requests:granted") == "1"


def test_an_account_that_is_not_here(world: World) -> None:
    world.accounts.has_key = False
    with pytest.raises(ConfigurationError):
        world.ports.lane.run(ACCOUNT, MODEL, ask)
    assert threads() == []

"""Run workers tell the fleet which models end, an hour's words at a time."""

import threading
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, World, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.ports.fleet import ModelList
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_worker.model_watch import MOST_ENDING, ModelWatch
from tuneq_worker.ports.deployments import RemoteModel

DEADLINE_S = 30.0
DAY = date(2031, 5, 6)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    world = World(redis_url, store_prefix, tmp_path)
    world.provider.listed = [RemoteModel("lasts"), RemoteModel("ends", DAY)]
    return world


def watch(world: World) -> ModelWatch:
    return ModelWatch(world.ports, RedisFleet(world.redis, world.prefix))


def told(world: World) -> ModelList:
    return RedisFleet(world.redis, world.prefix).models()[ACCOUNT]


def may_try_again(world: World) -> None:
    assert world.redis.delete(f"{world.prefix}:pruning:models:{ACCOUNT}") == 1


def test_the_thread_tells_at_once_what_ends_and_how_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, seen, tell = watch(world), threading.Event(), RedisFleet.tell_models

    def told_now(fleet: RedisFleet, account: str, models: ModelList) -> None:
        tell(fleet, account, models)
        seen.set()

    monkeypatch.setattr(RedisFleet, "tell_models", told_now)
    thread.start()
    assert seen.wait(DEADLINE_S)
    thread.stop()
    assert not thread.is_alive()
    assert (told(world).count, told(world).end_dates) == (2, {"ends": DAY})
    assert told(world).seen_at > 0


def test_one_question_an_hour_for_all(world: World) -> None:
    watch(world).turn()
    watch(world).turn()
    may_try_again(world)
    watch(world).turn()
    assert world.provider.count("models") == 1
    old = ModelList(count=9, seen_at=told(world).seen_at - 3600)
    RedisFleet(world.redis, world.prefix).tell_models(ACCOUNT, old)
    watch(world).turn()
    assert told(world).count == 2


def test_after_an_error_the_words_before_stand_with_it_until_a_good_answer(world: World) -> None:
    fleet = RedisFleet(world.redis, world.prefix)
    before = ModelList(count=1, end_dates={"ends": DAY}, seen_at=fleet.now() - 4000)
    fleet.tell_models(ACCOUNT, before)
    world.provider.goes_wrong("models", refusal(ErrorKind.SERVER))
    watch(world).turn()
    assert told(world).trouble == "server: the provider said server"
    assert (told(world).end_dates, told(world).seen_at) == (before.end_dates, before.seen_at)
    watch(world).turn()
    assert world.provider.count("models") == 1, "not asked again at once"
    may_try_again(world)
    watch(world).turn()
    assert (told(world).count, told(world).trouble) == (2, "")


def test_without_the_key_or_when_stopping_nothing_is_asked(world: World) -> None:
    world.accounts.has_key = False
    watch(world).turn()
    world.accounts.has_key = True
    world.ports.stopping.set()
    watch(world).turn()
    world.ports.stopping.clear()
    watch(world).turn()  # nobody has had the turn
    assert world.provider.count("models") == 1


def test_of_very_many_the_soonest_are_told(world: World) -> None:
    days = [DAY + timedelta(days=n) for n in range(MOST_ENDING + 5)]
    listed = [RemoteModel(f"m{n}", day) for n, day in enumerate(days)]
    world.provider.listed = [*reversed(listed), RemoteModel("lasts")]
    watch(world).turn()
    assert told(world).count == MOST_ENDING + 6
    assert set(told(world).end_dates.values()) == set(days[:MOST_ENDING])

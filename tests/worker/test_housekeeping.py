"""Run workers prune by themselves, one of them an hour."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.worker.fakes import World

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.item import Kind
from tuneq_shared.errors import DataRootError
from tuneq_shared.ports.retention import EndedItem
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_worker.retention.housekeeping import Housekeeper
from tuneq_worker.retention.pruning import DAY_S

DEADLINE_S = 30.0


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    """One old run that has ended, and a young one."""
    world = World(redis_url, store_prefix, tmp_path / "data", retention_days=3)
    old, young = world.submit(), world.submit(name="young", seed=7)
    world.drive_to_end(old, young)
    at = world.redis.time()[0] * 1000 - 4 * DAY_S * 1000
    world.redis.zadd(f"{world.prefix}:ended:run", {str(old): at})
    return world


def keeper(world: World) -> Housekeeper:
    return Housekeeper(world.ports, RedisFleet(world.redis, world.prefix), look_s=0.01)


def archived(world: World) -> int:
    return world.ports.catalogue.archived_count()


def test_the_thread_archives_what_is_older_than_the_setting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, seen, put_away = keeper(world), threading.Event(), world.ports.archive.put_away

    def seen_away(ended: Sequence[EndedItem]) -> list[bool]:
        gone = put_away(ended)
        seen.set()
        return gone

    monkeypatch.setattr(world.ports.archive, "put_away", seen_away)
    thread.start()
    assert seen.wait(DEADLINE_S)
    thread.stop()
    assert not thread.is_alive()
    assert (archived(world), len(world.ports.catalogue.run_ids())) == (1, 1)


def test_one_turn_an_hour_for_all(world: World) -> None:
    first, second = keeper(world), keeper(world)
    first.turn()
    world.redis.zadd(
        f"{world.prefix}:ended:run", {f"run:{run}": 0 for run in world.ports.catalogue.run_ids()}
    )
    second.turn()
    assert archived(world) == 1
    assert 0 < world.redis.pttl(f"{world.prefix}:pruning:archive") <= 3_600_000
    world.redis.delete(f"{world.prefix}:pruning:archive")
    second.turn()
    assert archived(world) == 2


def forgotten_file(world: World) -> None:
    """A file that may be deleted."""
    (upload,) = world.items_of(Kind.UPLOAD)
    assert world.ports.retention.forget(world.ports.retention.read([upload.item])) == [True]


def test_files_are_deleted_by_one_that_has_the_key(world: World) -> None:
    forgotten_file(world)
    world.accounts.has_key = False
    keeper(world).turn()
    assert (archived(world), len(world.provider.files)) == (1, 1)
    world.accounts.has_key = True
    keeper(world).turn()
    assert not world.provider.files
    assert world.provider.count("delete_file") == 1


@pytest.mark.parametrize("stops", ["thread", "worker"])
def test_a_deletion_that_takes_long_does_not_hold_up_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch, stops: str
) -> None:
    forgotten_file(world)
    begun, over = threading.Event(), threading.Event()

    def takes_long(file_id: str) -> None:
        del file_id
        begun.set()
        assert over.wait(DEADLINE_S)

    monkeypatch.setattr(world.provider, "delete_file", takes_long)
    monkeypatch.setattr("tuneq_worker.retention.housekeeping._JOIN_S", 0.01)
    thread = keeper(world)
    thread.start()
    assert begun.wait(DEADLINE_S)
    if stops == "worker":
        world.ports.stopping.set()
    thread.stop()
    assert thread.is_alive(), "it was not waited for"
    over.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_a_worker_that_stops_begins_nothing_more(world: World) -> None:
    forgotten_file(world)
    world.ports.stopping.set()
    keeper(world).turn()
    assert (archived(world), world.provider.count("delete_file")) == (0, 0)
    world.ports.stopping.clear()
    keeper(world).turn()  # nobody has had the turn
    assert (archived(world), world.provider.count("delete_file")) == (1, 1)


def test_nothing_is_archived_under_another_root(world: World, tmp_path: Path) -> None:
    fleet = RedisFleet(world.redis, world.prefix)
    DataRoot(str(tmp_path / "other")).settle(fleet)
    with pytest.raises(DataRootError):
        keeper(world).turn()
    assert archived(world) == 0


def test_several_at_once_do_no_harm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        world.submit(name=f"run-{number}", seed=number)
    world.drive(lambda: all(world.ended(item.item) for item in world.items_of(Kind.RUN)))
    runs = {run.item for run in world.items_of(Kind.RUN)}
    before = {item: world.record(item) for item in runs}
    for item in runs:
        world.redis.zadd(f"{world.prefix}:ended:run", {str(item): 0})
    monkeypatch.setattr(world.ports.retention, "claim_turn", lambda *_: True)
    threads = [threading.Thread(target=keeper(world).turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert archived(world) == len(runs)
    assert world.ports.catalogue.counts() == {}
    assert {item: world.record(item) for item in runs} == before

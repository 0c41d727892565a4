import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.worker.fakes import World

from tuneq_shared.domain.item import ItemId, Kind, Queue
from tuneq_shared.ports.fleet import LOST_AFTER_S, ModelList, WorkerInfo
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_worker.dispatch import Dispatcher, Pulse
from tuneq_worker.hearing import Hearing
from tuneq_worker.steps import step


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


class FakeFleet:
    """Workers with the time at which they were last seen."""

    def __init__(self, *workers: WorkerInfo) -> None:
        self.all = {worker.name: worker for worker in workers}
        self.beats = threading.Semaphore(0)
        self.trouble: list[Exception] = []
        self.gone: list[str] = []

    def heartbeat(self, worker: WorkerInfo) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.all[worker.name] = worker
        self.beats.release()

    def farewell(self, name: str) -> None:
        if self.trouble:
            raise self.trouble.pop(0)
        self.gone.append(name)

    def workers(self) -> list[WorkerInfo]:
        return list(self.all.values())

    def tell_models(self, account: str, models: ModelList) -> None:
        """Nobody asks."""

    def models(self) -> dict[str, ModelList]:
        return {}

    def now(self) -> float:
        return 1000.0

    def claim_root(self, root: str) -> str:
        return root


def a_worker(
    name: str, *queues: Queue, concurrency: int = 2, seen_at: float = 1000.0
) -> WorkerInfo:
    return WorkerInfo(
        name=name,
        queues=queues,
        concurrency=concurrency,
        accounts={},
        version="1",
        seen_at=seen_at,
    )


class Hints:
    """What was hinted at, and how much of it waits in each queue."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, ItemId]] = []
        self.waiting = dict.fromkeys(Queue, 0)

    def send(self, task: str, item: ItemId) -> None:
        self.sent.append((task, item))
        self.waiting[item.queue] += 1


def a_dispatcher(world: World, fleet: Any, hints: Hints) -> Dispatcher:
    return Dispatcher(
        items=world.ports.items,
        fleet=fleet,
        backlog=lambda queue: hints.waiting[queue],
        hint=hints.send,
        window_s=60.0,
    )


def test_consumers_are_those_that_live(world: World) -> None:
    fleet = FakeFleet(
        a_worker("a", Queue.RUNS, concurrency=8),
        a_worker("b", Queue.RUNS, Queue.EVALUATION, concurrency=3),
        a_worker("lost", Queue.RUNS, seen_at=1000.0 - LOST_AFTER_S),
    )
    dispatcher = a_dispatcher(world, fleet, Hints())
    dispatcher.look_around()
    assert dispatcher.consumers == {Queue.RUNS: 11, Queue.EVALUATION: 3}
    fleet.all.clear()
    dispatcher.look_around()
    assert dispatcher.consumers == {Queue.RUNS: 0, Queue.EVALUATION: 0}


def test_nothing_is_hinted_at_where_nobody_consumes(world: World) -> None:
    world.submit()
    hints = Hints()
    dispatcher = a_dispatcher(world, FakeFleet(), hints)
    assert dispatcher.tick() == 0
    dispatcher.look_around()
    assert dispatcher.tick() == 0
    assert hints.sent == []


def test_no_more_than_workers_can_take_and_the_rest_later(world: World) -> None:
    for n in range(20):
        world.submit(name=f"r{n}")
    hints = Hints()
    dispatcher = a_dispatcher(world, FakeFleet(a_worker("a", Queue.RUNS)), hints)
    dispatcher.look_around()
    assert [dispatcher.tick() for _ in range(2)] == [8, 0]
    hints.waiting[Queue.RUNS] = 5
    assert dispatcher.tick() == 3
    hints.waiting[Queue.RUNS] = 0
    assert [dispatcher.tick() for _ in range(2)] == [8, 0]
    hints.waiting[Queue.RUNS] = 0
    assert dispatcher.tick() == 1
    assert len({item for _, item in hints.sent}) == 20


def test_a_hint_bears_the_task_of_the_stage(world: World) -> None:
    item = world.submit()
    hints = Hints()
    dispatcher = a_dispatcher(world, FakeFleet(a_worker("a", Queue.RUNS)), hints)
    dispatcher.look_around()
    dispatcher.tick()
    assert hints.sent == [("tuneq.accept", item)]
    assert step(world.ports, item) == "tuneq.prepare"
    dispatcher.tick()
    assert ("tuneq.prepare", item) in hints.sent


def test_shards_go_to_the_evaluators(world: World) -> None:
    world.submit(**world.with_evaluation("one"))
    world.drive(lambda: bool(world.items_of(Kind.SHARD)))
    world.let_time_pass()
    hints = Hints()
    dispatcher = a_dispatcher(world, FakeFleet(a_worker("a", Queue.EVALUATION)), hints)
    dispatcher.look_around()
    assert dispatcher.tick() > 0
    assert {task for task, _ in hints.sent} == {"tuneq.evaluate_shard"}


def test_an_item_of_a_newer_kind_of_stage_is_passed_over(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    newer, known = world.submit(name="one"), world.submit(name="two")
    world.redis.hset(f"{world.prefix}:item:{newer}", "stage", "deploying")
    hints = Hints()
    dispatcher = a_dispatcher(world, FakeFleet(a_worker("a", Queue.RUNS)), hints)
    dispatcher.look_around()
    assert dispatcher.tick() == 1
    assert [item for _, item in hints.sent] == [known]
    assert "update this worker" in caplog.text


@pytest.fixture
def pulse(
    world: World, hearing: Hearing, started_anew: threading.Event
) -> Callable[[FakeFleet, Hints], Pulse]:
    def make(fleet: FakeFleet, hints: Hints) -> Pulse:
        worker = a_worker("me", Queue.RUNS)
        dispatcher = a_dispatcher(world, fleet, hints)
        return Pulse(
            dispatcher, worker, hearing, started_anew.set, dispatches=True, interval_s=0.001
        )

    return make


@pytest.fixture
def hearing() -> Hearing:
    return Hearing(waiting=lambda: 1, begun=lambda: 0, in_hand=lambda: 0, concurrency=1)


@pytest.fixture
def started_anew() -> threading.Event:
    return threading.Event()


def test_the_pulse_beats_dispatches_and_says_farewell(
    world: World, pulse: Callable[[FakeFleet, Hints], Pulse], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    fleet, hints = FakeFleet(), Hints()
    hinted = threading.Event()
    send = hints.send

    def noted(task: str, about: ItemId) -> None:
        send(task, about)
        hinted.set()

    monkeypatch.setattr(hints, "send", noted)
    thread = pulse(fleet, hints)
    thread.start()
    assert fleet.beats.acquire(timeout=10)
    assert hinted.wait(10)
    thread.stop()
    assert not thread.is_alive()
    assert hints.sent == [("tuneq.accept", item)]
    assert fleet.gone == ["me"]


@pytest.mark.parametrize(
    "trouble", [RedisConnectionError("away"), KeyError("a fault of ours")], ids=str
)
def test_the_pulse_survives(
    pulse: Callable[[FakeFleet, Hints], Pulse],
    trouble: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fleet = FakeFleet()
    fleet.trouble = [trouble]
    thread = pulse(fleet, Hints())
    thread.start()
    assert fleet.beats.acquire(timeout=10)
    fleet.trouble = [RedisConnectionError("away at the end")]
    thread.stop()
    assert "dispatcher" in caplog.text or "no farewell" in caplog.text
    assert all(record.levelno >= logging.WARNING for record in caplog.records)


def test_the_pulse_of_a_deaf_worker_starts_it_anew(
    pulse: Callable[[FakeFleet, Hints], Pulse],
    started_anew: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuneq_worker.hearing.DEAF_AFTER_S", 0.0)
    thread = pulse(FakeFleet(), Hints())
    thread.start()
    assert started_anew.wait(10)
    thread.stop()


def test_the_fleet_in_redis_knows_the_living(world: World) -> None:
    fleet = RedisFleet(world.redis, world.prefix)
    fleet.heartbeat(a_worker("a", Queue.RUNS))
    (worker,) = fleet.workers()
    assert (worker.name, worker.queues) == ("a", (Queue.RUNS,))
    assert abs(fleet.now() - worker.seen_at) < 60
    fleet.farewell("a")
    assert fleet.workers() == []

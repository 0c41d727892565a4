"""Slots beside jobs of others: whole courses on a real store, driven by what it says is due."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, World, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.settings import Limits
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.steps import step

ROOM = 3


@pytest.fixture
def make(redis_url: str, store_prefix: str, tmp_path: Path) -> Callable[..., World]:
    def made(cap: int | None = ROOM) -> World:
        limits = Limits(max_active_jobs=cap)
        world = World(redis_url, store_prefix, tmp_path, limits=limits)
        world.provider.room = ROOM
        world.provider.by_hand = True
        return world

    return made


def others_buy(world: World, count: int, **fields: Any) -> list[Job]:
    jobs = [world.provider.put_job(None) for _ in range(count)]
    return [world.provider.set_job(job.id, JobStatus.RUNNING, **fields) for job in jobs]


def end(world: World, *jobs: Job) -> None:
    for job in jobs:
        world.provider.set_job(job.id, JobStatus.SUCCEEDED)


def sweep(world: World) -> None:
    """One look of the account, and of nobody else."""
    world.let_time_pass()
    step(world.ports, account_id(ACCOUNT))


def ours(world: World) -> list[Job]:
    return [job for job in world.provider.active() if job.purchase]


def reason(world: World, item: ItemId) -> str:
    place = world.record(item).place
    assert place is not None
    return place.reason


def settle(world: World, rounds: int = 8) -> None:
    for _ in range(rounds):
        world.round()


@pytest.mark.parametrize("cap", [ROOM, None])
def test_jobs_of_others_take_their_places_and_leave_them(
    make: Callable[..., World], cap: int | None
) -> None:
    world = make(cap)
    theirs = others_buy(world, 2)
    runs = [world.submit(name=f"r{n}") for n in range(6)]
    settle(world)
    assert len(ours(world)) == 1
    refused = world.provider.refused
    if cap:
        settle(world, 5)
        assert world.provider.refused == refused, "what is seen is not tried"
        waiting = [item for item in runs if world.record(item).place]
        assert {reason(world, item) for item in waiting} == {"3 of 3 active (2 not ours)"}
    end(world, *theirs)
    sweep(world)
    held, _ = world.slots()
    probing = 0 if cap else 1
    assert len(held) == ROOM + probing, "one look hands the places on"
    world.provider.by_hand = False
    world.drive_to_end(*runs)
    assert len(world.provider.jobs) == 2 + len(runs)


def test_known_jobs_of_others_keep_all_but_the_first_from_being_refused(
    make: Callable[..., World],
) -> None:
    world = make()
    world.provider.by_hand = False
    runs = [world.submit(name=f"r{n}") for n in range(3)]
    world.drive(lambda: len(ours(world)) == ROOM)
    late = [world.submit(name=f"late{n}") for n in range(20)]
    for _ in range(60):
        if len(world.provider.active()) < ROOM and not world.slots()[1]:
            break
        free = ROOM - len(world.provider.active())
        if free:  # others are always faster
            others_buy(world, free)
            sweep(world)
        world.round()
    world.drive_to_end(*runs, *late)
    assert world.provider.refused <= 2


def test_a_job_that_its_run_has_not_noted_yet_is_not_one_of_others(
    make: Callable[..., World],
) -> None:
    world = make()
    first = world.submit(name="first")
    world.drive_to(first, RunStage.TRAINING)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.SERVER), done=True)
    world.provider.goes_wrong("find_jobs", None, *[refusal(ErrorKind.SERVER)] * 50)
    second = world.submit(name="second")
    world.drive(lambda: len(ours(world)) == 2)
    assert world.run(second).job_id is None
    third = world.submit(name="third")
    settle(world, 4)
    fourth = world.submit(name="fourth")
    settle(world, 4)
    held, line = world.slots()
    assert held == {str(first), str(second), str(third)}
    assert line == [str(fourth)]
    assert reason(world, fourth) == "3 of 3 active"


def test_without_metadata_the_slot_itself_tells_whose_its_job_is(
    make: Callable[..., World],
) -> None:
    world = make(1)
    first, second = world.submit(name="first"), world.submit(name="second")
    world.drive(lambda: len(ours(world)) == 1)
    settle(world)
    (job,) = ours(world)
    world.provider.set_job(job.id, JobStatus.RUNNING, purchase=None)
    world.ports.items.wake([first, second])  # so that no mark tells, either
    sweep(world)
    (waiting,) = [item for item in (first, second) if world.record(item).place]
    assert reason(world, waiting) == "1 of 1 active"


def test_after_a_loss_of_redis_runs_whose_job_goes_on_have_their_slots(
    make: Callable[..., World],
) -> None:
    world = make()
    old = [{"name": f"old{n}"} for n in range(ROOM)]
    for fields in old:
        world.drive_to(world.submit(**fields), RunStage.TRAINING)
    for key in world.redis.scan_iter(f"{world.prefix}:*"):
        world.redis.delete(key)
    fresh = [world.submit(name=f"new{n}", priority="high") for n in range(2)]
    settle(world)
    again = [world.submit(**fields) for fields in old]
    settle(world)
    assert {world.run(item).stage for item in again} == {RunStage.TRAINING}
    assert [world.record(item).place is None for item in fresh] == [False, False]
    refused = world.provider.refused
    settle(world, 4)
    held, _ = world.slots()
    assert held == {str(item) for item in again}
    assert world.provider.refused <= refused + 1
    world.provider.by_hand = False
    world.drive_to_end(*again, *fresh)
    assert len(world.provider.jobs) == ROOM + 2


def test_a_request_by_an_alias_counts_what_the_provider_makes_of_it(
    make: Callable[..., World],
) -> None:
    world = make()
    first = world.submit(name="first")
    world.drive_to(first, RunStage.TRAINING)
    dated = f"{MODEL}-2026-01-01"
    world.provider.set_job(world.run(first).job_id or "", JobStatus.RUNNING, model=dated)
    others_buy(world, 2, model=dated)
    others_buy(world, 4, model="another-model")
    settle(world, 2)
    world.provider.room = None
    second = world.submit(name="second")
    settle(world)
    assert reason(world, second) == "3 of 3 active (2 not ours)"


def test_what_was_seen_is_forgotten_when_nobody_can_look(make: Callable[..., World]) -> None:
    world = make()
    theirs = others_buy(world, ROOM)
    run = world.submit()
    settle(world)
    assert reason(world, run) == "3 of 3 active (3 not ours)"
    end(world, *theirs)
    world.provider.goes_wrong("sweep", *[refusal(ErrorKind.SERVER)] * 100)
    world.redis.hset(f"{world.prefix}:slots:{ACCOUNT}/{MODEL}:seen", "until", 1)
    world.drive_to(run, RunStage.TRAINING)


def test_a_slot_that_leaked_is_handed_on_by_the_next_look(make: Callable[..., World]) -> None:
    world = make(1)
    world.redis.sadd(f"{world.prefix}:slots:{ACCOUNT}/{MODEL}:held", "run:gone")
    run = world.submit()
    world.drive_to(run, RunStage.TRAINING)
    assert world.slots() == ({str(run)}, [])


def test_nothing_is_asked_while_nobody_waits_and_nothing_runs(make: Callable[..., World]) -> None:
    world = make()
    world.provider.by_hand = False
    world.drive_to_end(world.submit())
    asked = world.provider.count("sweep")
    others_buy(world, 1)
    settle(world, 4)
    assert world.provider.count("sweep") == asked

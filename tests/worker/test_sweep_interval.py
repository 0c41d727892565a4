"""When an account's look asks the provider, and when it needs not."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, HOUR_S, MODEL, FakeLease, World, refusal

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.items import Commit, Creation, NewItem, Park, Slot
from tuneq_shared.settings import Limits
from tuneq_worker.marks import JobMark
from tuneq_worker.ports.provider import JobStatus
from tuneq_worker.ports.stage import Wait
from tuneq_worker.stages.sweep import sweep
from tuneq_worker.steps import step

EVERY_S = 20.0
NOW = 1e6
OLD = NOW - 10 * HOUR_S
ACTIVE = AccountState(id=ACCOUNT, stage=AccountStage.ACTIVE)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    world = World(redis_url, store_prefix, tmp_path, limits=Limits(poll_interval_s=EVERY_S))
    new = NewItem(
        item=ACTIVE.item, stage=ACTIVE.stage, fixed=fixed_part(ACTIVE), doc=document(ACTIVE)
    )
    assert world.ports.items.create([new]) == [Creation.CREATED]
    world.provider.by_hand = True
    return world


def committed(world: World, name: str, commit: Commit) -> ItemId:
    item = world.submit(name=name)
    claim = world.ports.items.claim(item, HOUR_S)
    assert claim is not None
    world.ports.items.commit(claim, commit)
    return item


def in_training(world: World, name: str, since: float, **job: Any) -> ItemId:
    made = world.provider.put_job(name, JobStatus.RUNNING)
    world.provider.jobs[made.id] = replace(made, **job)
    mark = JobMark(made.id, since, RunStage.TRAINING, made.status, made.raw_status)
    park = Park(account_id(ACCOUNT), str(mark))
    return committed(world, name, Commit(stage="submitted", doc={}, park=park))


def look(world: World, account: AccountState, now: float, wakes: int = 0) -> AccountState:
    result = sweep(account, world.ports, FakeLease(now=now, wakes=wakes))
    assert isinstance(result, Wait)
    assert result.delay_s == EVERY_S, "what is no business of the provider's is seen to each time"
    return result.item


def looks(world: World, over_s: float, account: AccountState = ACTIVE) -> int:
    """How many of those over a time ask the provider."""
    before = world.provider.count("sweep")
    for tick in range(round(over_s / EVERY_S)):
        account = look(world, account, NOW + tick * EVERY_S)
    return world.provider.count("sweep") - before


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([(OLD, None)], 3),
        ([(NOW, None)], 20 + 5),
        ([(OLD, None), (NOW, None)], 20 + 5),
        ([(OLD, NOW + 300)], 30),
        ([(OLD, NOW + 20 * HOUR_S)], 3),
    ],
)
def test_the_young_and_the_nearly_finished_are_asked_for_more_often(
    world: World, jobs: list[tuple[float, float | None]], expected: int
) -> None:
    for number, (since, finish) in enumerate(jobs):
        in_training(world, f"run-{number}", since, estimated_finish=finish)
    assert looks(world, 600.0) == pytest.approx(expected, abs=1)


def _stands_in_line(world: World) -> None:
    pool = Slot(f"{ACCOUNT}/{MODEL}", 0)
    committed(world, "waits", Commit(stage="submitted", doc={}, delay_s=600, take=pool))


@pytest.mark.parametrize(
    "happens",
    [
        lambda world: in_training(world, "another", NOW + 1),
        _stands_in_line,
    ],
)
def test_what_begins_in_between_shortens_the_wait(
    world: World, happens: Callable[[World], object]
) -> None:
    in_training(world, "old", OLD)
    account = look(world, ACTIVE, NOW)
    assert look(world, account, NOW + EVERY_S) == account
    assert world.provider.count("sweep") == 1
    happens(world)
    account = look(world, account, NOW + 2 * EVERY_S)
    assert world.provider.count("sweep") == 2


def test_woken_it_asks_at_once_and_then_waits_again(world: World) -> None:
    item = in_training(world, "old", OLD)
    account = look(world, ACTIVE, NOW)
    world.provider.set_job("job-1", JobStatus.SUCCEEDED)
    account = look(world, account, NOW + 1, wakes=1)
    assert world.record(item).parked_on is None
    in_training(world, "another", OLD)
    account = look(world, account, NOW + 1 + EVERY_S, wakes=1)
    look(world, account, NOW + 1 + 2 * EVERY_S, wakes=1)
    assert world.provider.count("sweep") == 3, "once more, for its run may not have seen it"


def test_a_wake_reaches_the_stage_through_the_store(world: World) -> None:
    in_training(world, "old", time.time() - 24 * HOUR_S)
    world.round()
    world.round()
    assert world.provider.count("sweep") == 1
    world.ports.items.wake([ACTIVE.item])
    assert world.due() == [ACTIVE.item]
    step(world.ports, ACTIVE.item)
    assert world.provider.count("sweep") == 2


def test_without_an_answer_it_asks_again_each_time(world: World) -> None:
    in_training(world, "old", OLD)
    account = look(world, ACTIVE, NOW)
    for again in range(3):
        world.provider.goes_wrong("sweep", refusal(ErrorKind.SERVER))
        account = look(world, account, NOW + (20 + again) * EVERY_S)
    assert world.provider.count("sweep") == 4


def test_deadlines_pass_without_a_look(world: World) -> None:
    item = in_training(world, "old", NOW - 7 * 24 * HOUR_S + EVERY_S)
    account = look(world, ACTIVE, NOW)
    assert world.record(item).parked_on is not None
    look(world, account, NOW + EVERY_S)
    assert world.record(item).parked_on is None
    assert world.provider.count("sweep") == 1

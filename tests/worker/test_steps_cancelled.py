"""Cancelled wherever it is: it ends, its job ends, its slot is free, and no other run suffers."""

from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, World, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.ports.items import Asked
from tuneq_shared.settings import Limits
from tuneq_worker.ports.provider import FileState, JobStatus

CANCELLED, SUCCEEDED = RunStage.CANCELLED, RunStage.SUCCEEDED


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def check_ended(world: World) -> None:
    assert all(job.status.is_terminal for job in world.provider.jobs.values())
    assert world.slots() == (set(), [])


@pytest.mark.parametrize("rounds", range(13))
def test_at_any_time_with_a_sibling_that_goes_on(world: World, rounds: int) -> None:
    world.provider.cancels_at_once = rounds % 2 == 0
    world.provider.file_states.append(FileState.PENDING)
    one, two = (world.submit(**world.with_evaluation(name)) for name in ("one", "two"))
    for _ in range(rounds):
        world.round()
        for file_id in world.provider.files:
            world.provider.set_file(file_id, FileState.READY)
    could_end = not world.ended(one)
    assert world.ports.items.ask([one], Asked.CANCEL) == [could_end]
    world.provider.set_file("file-1", FileState.READY) if world.provider.files else None
    world.drive_to_end(one)
    assert world.run(one).stage is (CANCELLED if could_end else SUCCEEDED)
    world.provider.file_states.clear()
    for file_id in world.provider.files:
        world.provider.set_file(file_id, FileState.READY)
    world.drive_to_end(two)
    assert world.run(two).stage is SUCCEEDED
    assert len(world.provider.contents) == 1
    check_ended(world)


@pytest.mark.parametrize(
    "stage",
    [
        s
        for s in RunStage
        if s not in {RunStage.CANCELLING, RunStage.HELD, *(SUCCEEDED, CANCELLED)}
        and s is not RunStage.FAILED
    ],
)
def test_in_every_stage(world: World, stage: RunStage) -> None:
    world.provider.file_states.append(FileState.PENDING)
    item = world.submit(**world.with_evaluation("one"))
    for _ in range(20):
        if world.record(item).stage == stage:
            break
        world.round()
        if stage is not RunStage.UPLOADING:
            for file_id in world.provider.files:
                world.provider.set_file(file_id, FileState.READY)
    assert world.record(item).stage == stage
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED
    for kind in (Kind.UPLOAD, Kind.EVALUATION, Kind.SHARD):
        world.drive_to_end(*(record.item for record in world.items_of(kind)))
    check_ended(world)


def test_when_held(world: World) -> None:
    item = world.submit()
    for _ in range(2):
        world.provider.put_job(f"{item.key}/0", JobStatus.RUNNING)
    world.drive_to(item, RunStage.HELD)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED
    check_ended(world)


def test_in_line_for_a_slot(redis_url: str, store_prefix: str, tmp_path: Path) -> None:
    world = World(redis_url, store_prefix, tmp_path, limits=Limits(max_active_jobs=1))
    world.provider.by_hand = True
    for name in ("one", "two", "three"):
        world.submit(name=name)
    world.drive(lambda: len(world.slots()[1]) == 2 and bool(world.provider.jobs))
    held, line = world.slots()
    one, two, three = map(ItemId.parse, [*held, *line])
    world.ports.items.ask([two], Asked.CANCEL)
    world.drive_to_end(two)
    assert world.slots() == ({str(one)}, [str(three)])
    world.ports.items.ask([one], Asked.CANCEL)
    world.drive_to(three, RunStage.TRAINING)
    assert world.run(one).stage is CANCELLED


def test_the_slot_is_held_until_the_job_has_ended(world: World) -> None:
    world.provider.cancels_at_once = False
    world.provider.by_hand = True
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.ports.items.ask([item], Asked.CANCEL)
    for _ in range(5):
        world.round()
    assert world.record(item).stage == RunStage.CANCELLING
    assert world.slots()[0] == {str(item)}
    world.provider.set_job("job-1", JobStatus.CANCELLED)
    world.drive_to_end(item)
    assert world.slots()[0] == set()


@pytest.mark.parametrize("kind", [k for k in ErrorKind if k is not ErrorKind.NOT_FOUND])
def test_with_an_error_at_the_cancel(world: World, kind: ErrorKind) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.ports.items.ask([item], Asked.CANCEL)
    world.provider.goes_wrong("cancel_job", refusal(kind))
    for _ in range(4):
        world.round()
    world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE)
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED
    check_ended(world)


def test_when_the_job_is_gone(world: World) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.ports.items.ask([item], Asked.CANCEL)
    world.provider.jobs.clear()
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED


def test_while_the_account_is_stopped(world: World) -> None:
    world.provider.cancels_at_once = False
    one = world.submit(name="one")
    world.drive_to(one, RunStage.TRAINING)
    two = world.submit(name="two")
    world.provider.goes_wrong("create_job", refusal(ErrorKind.QUOTA))
    world.drive(lambda: world.account().stage is AccountStage.STOPPED)
    world.ports.items.ask([one, two], Asked.CANCEL)
    world.drive_to_end(one, two)
    assert world.account().stage is AccountStage.STOPPED
    assert world.run(one).stage is world.run(two).stage is CANCELLED
    check_ended(world)


def test_with_a_creation_that_was_not_answered(world: World) -> None:
    item = world.submit()
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    world.drive(lambda: bool(world.provider.jobs))
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED
    assert world.provider.jobs["job-1"].status is JobStatus.CANCELLED
    check_ended(world)

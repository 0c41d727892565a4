"""What stands still for too long at the provider ends in a named error, or holds its run."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError
from tests.worker.fakes import ACCOUNT, World, refusal

from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document
from tuneq_shared.ports.items import Asked
from tuneq_shared.retrying import resumed
from tuneq_shared.settings import Account
from tuneq_worker.deadlines import job_limit
from tuneq_worker.ports.provider import FileState, JobStatus

HELD, FAILED, SUCCEEDED = RunStage.HELD, RunStage.FAILED, RunStage.SUCCEEDED
CANCELLED, CANCELLING = RunStage.CANCELLED, RunStage.CANCELLING
DAY_S = 86_400.0
SHORT = 0.002  # over by the next look
LOST = refusal(ErrorKind.NETWORK)

MakeWorld = Callable[[Deadlines], World]


@pytest.fixture
def make_world(redis_url: str, store_prefix: str, tmp_path: Path) -> MakeWorld:
    def make(deadlines: Deadlines) -> World:
        world = World(redis_url, store_prefix, tmp_path, deadlines=deadlines)
        world.provider.by_hand = True
        return world

    return make


def released(world: World, item: ItemId) -> None:
    assert world.ports.items.ask([item], Asked.RELEASE) == [True]


def retried(world: World, item: ItemId) -> None:
    run = resumed(world.run(item))
    assert world.ports.items.revive(world.record(item), run.stage, document(run), "retried")


def with_deadlines(world: World, deadlines: Deadlines) -> None:
    """The workers are started again with another configuration."""
    account = world.settings.accounts[ACCOUNT].model_copy(update={"deadlines": deadlines})
    settings = world.settings.model_copy(update={"accounts": {ACCOUNT: account}})
    world.settings, world.ports = settings, replace(world.ports, settings=settings)


def was_held(world: World, item: ItemId) -> bool:
    return HELD in {event.stage for event in world.ports.catalogue.events(item)}


def reason(world: World, item: ItemId) -> str:
    waiting = world.run(item).waiting
    assert waiting is not None
    return waiting.reason


def two_days_pass(world: World, *, listening: bool = True) -> None:
    """Since all that was heard of the account and its jobs, and its workers may have been off."""
    parked = f"{world.prefix}:parked:{account_id(ACCOUNT)}"
    for record in world.items_of(Kind.RUN):
        doc, mark = record.doc, world.redis.hget(parked, str(record.item))
        earlier = str(doc["job_since"] - 2 * DAY_S)
        world.redis.hset(parked, str(record.item), mark.replace(str(doc["job_since"]), earlier))
        rewrite(world, record.item, job_since=-2 * DAY_S)
    if world.account().failing_since is not None:
        silent_s = 2 * DAY_S * listening
        rewrite(world, account_id(ACCOUNT), failing_since=-2 * DAY_S, silent_s=silent_s)


def rewrite(world: World, item: ItemId, **added: float) -> None:
    doc = world.record(item).doc
    later = {name: doc[name] + number for name, number in added.items()}
    world.redis.hset(f"{world.prefix}:item:{item}", "doc", orjson.dumps({**doc, **later}))


def test_a_file_that_is_never_processed_fails_its_runs_before_anything_is_bought(
    make_world: MakeWorld,
) -> None:
    world = make_world(Deadlines(file_s=SHORT))
    world.provider.file_states.append(FileState.PENDING)
    runs = [world.submit(name=name) for name in ("one", "two")]
    world.drive_to_end(*runs)
    for item in runs:
        run = world.run(item)
        assert run.failure is not None
        assert (run.stage, run.failure.code) == (FAILED, "file_not_processed")
        assert f"account '{ACCOUNT}' has been processing file-1 since 20" in run.failure.message
    assert world.provider.count("create_job") == 0


@pytest.mark.parametrize("arrives", [True, False])
def test_a_retry_sends_it_anew_and_never_follows_the_old_file(
    make_world: MakeWorld, *, arrives: bool
) -> None:
    """Also where the new send has no answer, and the listing shows the old file first."""
    world = make_world(Deadlines(file_s=SHORT))
    world.provider.file_states.append(FileState.PENDING)
    item = world.submit()
    world.drive_to_end(item)
    world.provider.goes_wrong("upload", LOST, done=arrives)
    retried(world, item)
    world.drive_to(item, RunStage.TRAINING)
    assert world.run(item).training_file_id == "file-2"
    assert len(world.provider.contents) == 2


GOES_ON = {JobStatus.RUNNING, JobStatus.FINALIZING}
STANDS_STILL = [s for s in JobStatus if not s.is_terminal and s not in GOES_ON]


@pytest.mark.parametrize(
    ("status", "deadlines", "code"),
    [
        *((status, Deadlines(start_s=SHORT), "job_not_running") for status in STANDS_STILL),
        (JobStatus.RUNNING, Deadlines(training_s=SHORT), "job_not_ended"),
        (JobStatus.FINALIZING, Deadlines(training_s=SHORT), "job_not_ended"),
    ],
)
def test_a_job_that_stands_still_holds_its_run_and_a_release_waits_as_long_again(
    make_world: MakeWorld, status: JobStatus, deadlines: Deadlines, code: str
) -> None:
    world = make_world(deadlines)
    world.provider.first_status = status
    item = world.submit()
    world.drive_to(item, HELD)
    assert reason(world, item).startswith(f"{code}: job-1 is {status}, at least since 20")
    assert "tuneq release" in reason(world, item)
    assert world.slots()[0] == {str(item)}, "its job may go on"
    with_deadlines(world, Deadlines())
    released(world, item)
    for _ in range(4):
        world.round()
    assert world.run(item).stage is RunStage.TRAINING
    assert f"the job is {status}, at least since 20" in reason(world, item)
    world.provider.set_job("job-1", JobStatus.SUCCEEDED)
    world.drive_to_end(item)
    assert world.run(item).stage is SUCCEEDED
    assert len(world.provider.jobs) == 1


def test_another_status_begins_anew_and_the_same_one_does_not(make_world: MakeWorld) -> None:
    world = make_world(Deadlines())
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    first = world.run(item)
    for _ in range(3):
        world.round()
    assert world.run(item) == first, "nobody looked at it"
    world.ports.items.wake([item])
    world.round()
    assert world.run(item).job_since == first.job_since
    world.provider.set_job("job-1", JobStatus.RUNNING)
    world.drive(lambda: world.run(item).job_status == "running")
    later = world.run(item).job_since
    assert later is not None
    assert first.job_since is not None
    assert later > first.job_since


def test_a_held_run_whose_job_is_to_be_cancelled_is_cancelled(make_world: MakeWorld) -> None:
    world = make_world(Deadlines(start_s=SHORT))
    item = world.submit()
    world.drive_to(item, HELD)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED
    assert world.provider.jobs["job-1"].status is JobStatus.CANCELLED


def test_a_job_that_does_not_end_when_cancelled_holds_its_run_which_asks_again(
    make_world: MakeWorld,
) -> None:
    world = make_world(Deadlines(cancel_s=SHORT))
    world.provider.cancels_at_once = False
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to(item, HELD)
    assert reason(world, item).startswith("job_not_cancelled: job-1 is validating, at least since")
    asked = world.provider.count("cancel_job")
    world.provider.cancels_at_once = True
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED
    assert world.provider.count("cancel_job") == asked + 1


def test_a_cancel_has_its_own_time(make_world: MakeWorld) -> None:
    world = make_world(Deadlines(start_s=math.inf))
    world.provider.cancels_at_once = False
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    two_days_pass(world)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive(lambda: world.provider.count("cancel_job") > 0)
    for _ in range(3):
        world.round()
    assert world.run(item).stage is CANCELLING
    assert not was_held(world, item)


def test_runs_of_a_silent_account_are_held_without_asking_one_by_one(
    make_world: MakeWorld,
) -> None:
    world = make_world(Deadlines(silence_s=SHORT))
    runs = [world.submit(name=name) for name in ("one", "two")]
    for item in runs:
        world.drive_to(item, RunStage.TRAINING)
    world.provider.goes_wrong("sweep", *[LOST] * 20)
    world.drive(lambda: all(world.record(item).stage == HELD for item in runs))
    for item in runs:
        said = reason(world, item)
        assert said.startswith(f"provider_silent: account '{ACCOUNT}' has told nothing of job-")
        assert "(network: the provider said network); then it was validating" in said
    assert world.provider.count("job") == 0
    # Released, they wait as long again, but for the account, which asks for all of them.
    with_deadlines(world, Deadlines())
    for item in runs:
        released(world, item)
    while world.provider.count("sweep") < 20:
        world.round()
    assert {world.run(item).stage for item in runs} == {RunStage.TRAINING}
    assert "gives no news" in reason(world, runs[0])
    assert world.provider.count("job") == 0
    for job_id in world.provider.jobs:
        world.provider.set_job(job_id, JobStatus.SUCCEEDED)
    world.drive_to_end(*runs)
    assert {world.run(item).stage for item in runs} == {SUCCEEDED}
    assert world.account().failing_since is None


def test_a_silence_that_ends_in_time_holds_nobody(make_world: MakeWorld) -> None:
    world = make_world(Deadlines())
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.provider.goes_wrong("sweep", *[LOST] * 5)
    before = world.provider.count("sweep")
    while world.provider.count("sweep") < before + 3:
        world.round()
    since = world.account().failing_since
    assert since is not None
    world.round()
    assert world.account().failing_since == since
    world.provider.set_job("job-1", JobStatus.SUCCEEDED)
    world.drive_to_end(item)
    assert not was_held(world, item)


def test_time_without_workers_is_no_silence(make_world: MakeWorld) -> None:
    world = make_world(Deadlines(start_s=math.inf))
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.provider.goes_wrong("sweep", *[LOST] * 60)
    world.drive(lambda: world.account().failing_since is not None)
    two_days_pass(world, listening=False)
    for _ in range(5):
        world.round()
    assert world.account().attempts > 5
    assert world.run(item).stage is RunStage.TRAINING


def test_a_new_run_at_a_silent_account_has_its_own_time(make_world: MakeWorld) -> None:
    world = make_world(Deadlines())
    first = world.submit(name="first")
    world.drive_to(first, RunStage.TRAINING)
    world.provider.goes_wrong("sweep", *[LOST] * 60)
    world.drive(lambda: world.account().failing_since is not None)
    two_days_pass(world)
    second = world.submit(name="second")
    world.drive_to(second, RunStage.TRAINING)
    world.drive_to(first, HELD)
    for _ in range(3):
        world.round()
    assert world.record(second).stage == RunStage.TRAINING


def test_one_who_is_to_be_cancelled_at_a_silent_account_is_held_too(make_world: MakeWorld) -> None:
    world = make_world(Deadlines(silence_s=SHORT))
    world.provider.cancels_at_once = False
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive(lambda: world.provider.count("cancel_job") > 0)
    world.provider.goes_wrong("sweep", *[LOST] * 5)
    world.drive_to(item, HELD)
    assert reason(world, item).startswith("provider_silent")
    world.provider.cancels_at_once = True
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED


def test_a_silence_before_a_stop_does_not_keep_a_cancelled_run_waiting(
    make_world: MakeWorld,
) -> None:
    world = make_world(Deadlines())
    world.provider.cancels_at_once = False
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive(lambda: world.provider.count("cancel_job") > 0)
    world.provider.goes_wrong("sweep", LOST, refusal(ErrorKind.AUTH))
    world.drive(lambda: world.account().stage == "stopped")
    world.provider.set_job("job-1", JobStatus.CANCELLED)
    world.drive_to_end(item)
    assert world.run(item).stage is CANCELLED


def test_a_cancel_that_does_not_end_is_told_of_while_the_account_is_stopped(
    make_world: MakeWorld,
) -> None:
    world = make_world(Deadlines(cancel_s=SHORT))
    world.provider.cancels_at_once = False
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    world.provider.goes_wrong("sweep", refusal(ErrorKind.AUTH))
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive(lambda: world.account().stage == "stopped")
    assert world.run(item).stage is CANCELLING
    world.drive_to(item, HELD)
    assert reason(world, item).startswith("job_not_cancelled")


@pytest.mark.parametrize(
    ("call", "stage", "end"),
    [
        ("upload", RunStage.UPLOADING, FAILED),
        ("file", RunStage.UPLOADING, FAILED),
        ("find_jobs", RunStage.CREATING, FAILED),
        ("create_job", RunStage.CREATING, HELD),
        ("job", RunStage.TRAINING, HELD),
        ("events", RunStage.COLLECTING, FAILED),
        ("cancel_job", CANCELLING, HELD),
    ],
)
def test_a_provider_that_never_answers_is_named(
    make_world: MakeWorld, call: str, stage: RunStage, end: RunStage
) -> None:
    """Each stage gives up: a run that may have a job is held, any other one fails."""
    world = make_world(Deadlines())
    if call == "file":
        world.provider.file_states.append(FileState.PENDING)
    world.provider.goes_wrong(call, *[LOST] * 200)
    item = world.submit()
    if call in {"job", "events", "cancel_job"}:
        world.drive_to(item, RunStage.TRAINING)
    if call == "cancel_job":
        world.ports.items.ask([item], Asked.CANCEL)
    elif call in {"job", "events"}:
        world.provider.set_job("job-1", JobStatus.SUCCEEDED)
    world.drive(lambda: world.record(item).stage in {HELD, FAILED}, rounds=250)
    run = world.run(item)
    assert run.stage is end
    said = reason(world, item) if run.failure is None else run.failure.message
    assert f"the provider said network (account '{ACCOUNT}', 31 tries in a row)" in said
    assert stage == (run.held_from if run.failure is None else run.failure.stage)


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
@pytest.mark.parametrize("name", Deadlines.model_fields)
def test_a_deadline_is_some_time(name: str, seconds: float) -> None:
    with pytest.raises(ValidationError, match=name):
        Account.model_validate({"base_url": "http://x", "deadlines": {name: seconds}})


def test_it_may_be_for_ever() -> None:
    never = Deadlines.model_validate({"start_s": "inf"})
    assert job_limit(RunStage.TRAINING, JobStatus.QUEUED, never) == ("job_not_running", math.inf)

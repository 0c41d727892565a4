"""Accounts whose jobs keep no metadata: a training file of its own tells a purchase's job."""

import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import FakeLease, FakeProvider, World, chat_line, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document, load
from tuneq_shared.domain.run import Prepared, Purchase, Run
from tuneq_shared.ports.items import Asked
from tuneq_shared.retrying import resumed
from tuneq_worker.ports.provider import FileState, JobStatus, RemoteFile
from tuneq_worker.ports.stage import Advance
from tuneq_worker.stages.create import create

UNMARKED = {"metadata": False}


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path, capabilities=UNMARKED)


def names(provider: FakeProvider) -> list[str]:
    return [name for name, _ in provider.contents.values()]


def retry(world: World, item: ItemId) -> None:
    record = world.record(item)
    after = resumed(load(record, Run))
    assert world.ports.items.revive(record, after.stage, document(after), "retried")


def test_each_purchase_has_a_training_file_of_its_own_and_validation_is_shared(
    world: World,
) -> None:
    world.put("valid.jsonl", [chat_line(99)])
    runs = [world.submit(name=name, validation_file="data:valid.jsonl") for name in ("one", "two")]
    world.drive_to_end(*runs)
    assert [world.run(run).stage for run in runs] == [RunStage.SUCCEEDED] * 2
    own = [name for name in names(world.provider) if name.endswith("-0.jsonl")]
    assert len(own) == len(set(own)) == 2
    assert len(names(world.provider)) == 3
    bought = {run.key: world.run(run).job_id for run in runs}
    for key, job_id in bought.items():
        assert world.provider.bought_for(job_id or "") == f"{key}/0"
        spec = world.provider.specs[job_id or ""]
        assert (spec.purchase, spec.labels) == (None, {})
    assert world.provider.count("find_jobs") == 0


@pytest.mark.parametrize("done", [False, True], ids=["lost", "done"])
def test_an_unanswered_creation_is_found_by_its_file(world: World, *, done: bool) -> None:
    runs = [world.submit(name=name) for name in ("one", "two")]
    errors = [refusal(ErrorKind.NETWORK)] * 2
    world.provider.goes_wrong("create_job", *errors, done=done)
    world.drive_to_end(*runs)
    assert len(world.provider.jobs) == 2
    for run in runs:
        assert world.provider.bought_for(world.run(run).job_id or "") == f"{run.key}/0"


def test_a_retry_sends_the_file_anew_and_finds_its_own_job(world: World) -> None:
    world.provider.course = [JobStatus.RUNNING, JobStatus.FAILED]
    item = world.submit()
    world.drive_to_end(item)
    world.provider.course = [JobStatus.RUNNING, JobStatus.SUCCEEDED]
    retry(world, item)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.job_id, run.disowned) == (RunStage.SUCCEEDED, "job-2", ("job-1",))
    assert world.provider.bought_for("job-2") == f"{item.key}/1"
    assert len(set(names(world.provider))) == 2


def test_after_a_loss_of_redis_file_and_job_are_found_again(
    world: World, redis_url: str, tmp_path: Path
) -> None:
    world.provider.by_hand = True
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    anew = World(redis_url, f"test-{uuid.uuid4().hex}", tmp_path, capabilities=UNMARKED)
    anew.provider = world.provider
    anew.accounts.given = world.provider
    assert anew.submit() == item
    anew.drive_to(item, RunStage.TRAINING)
    assert anew.run(item).job_id == "job-1"
    assert (len(world.provider.jobs), len(names(world.provider))) == (1, 1)


def test_jobs_are_not_looked_for_before_the_time_of_its_own_file(world: World) -> None:
    """Else each purchase would read all the jobs that the account ever had."""
    world.provider.course = [JobStatus.RUNNING, JobStatus.FAILED]
    world.provider.created_at = time.time() - 50.0
    item = world.submit()
    world.drive_to_end(item)
    retry(world, item)
    world.provider.created_at = later = time.time() - 20.0
    world.drive_to_end(item)
    first, second = world.provider.looked_since
    assert first == pytest.approx(later - 30.0, abs=10)
    assert second == later


def test_a_file_from_the_future_is_taken_for_one_of_now(world: World) -> None:
    world.provider.created_at = 1e12
    item = world.submit()
    world.drive_to_end(item)
    assert (world.run(item).file_since or 1e12) < time.time() + 60


def test_a_lost_file_of_its_own_is_sent_again(world: World) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    world.provider.files.clear()
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.training_file_id) == (RunStage.SUCCEEDED, "file-2")
    assert len(world.provider.jobs) == 1


def test_several_jobs_on_its_own_file_are_candidates(world: World) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    file_id = world.run(item).training_file_id
    for _ in range(2):
        world.provider.put_job(None, JobStatus.RUNNING, training_file=file_id)
    world.drive_to(item, RunStage.HELD)
    assert world.run(item).candidates == ("job-1", "job-2")
    assert world.provider.count("create_job") == 0


def test_a_cancel_finds_the_job_by_its_file(world: World) -> None:
    world.provider.by_hand = True
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK), done=True)
    world.drive(lambda: bool(world.provider.jobs))
    stranger = world.provider.put_job(None, JobStatus.RUNNING, training_file="file-other")
    world.ports.items.ask([item], Asked.CANCEL)
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.CANCELLED
    assert world.provider.jobs["job-1"].status is JobStatus.CANCELLED
    assert world.provider.jobs[stranger.id].status is JobStatus.RUNNING


def shared_file_run(world: World, **fields: Any) -> Run:
    """As one stands that uploaded while the account was said to keep metadata."""
    prepared = Prepared("a" * 64, 1, 1, "none")
    given = {"prepared": prepared, "training_file_id": "file-shared", **fields}
    return world.a_run(RunStage.CREATING, **given)


def test_with_a_shared_file_it_uploads_one_of_its_own_first(world: World) -> None:
    world.provider.put_job(None, JobStatus.RUNNING, training_file="file-shared")
    result = create(shared_file_run(world), world.ports, FakeLease())
    assert isinstance(result, Advance)
    assert (result.item.stage, result.free) == (RunStage.UPLOADING, True)
    assert world.provider.count("create_job") == 0


def test_what_bears_its_purchase_is_its_own_whatever_the_setting_says(world: World) -> None:
    for run in (
        shared_file_run(world),
        shared_file_run(world, purchase=Purchase(0, 5.0)),
        shared_file_run(world, file_purchase=0),
    ):
        world.provider.jobs.clear()
        world.provider.put_job("other/0", JobStatus.RUNNING, training_file="file-shared")
        job = world.provider.put_job(run.purchase_name, training_file="file-shared")
        assert create(run, world.ports, FakeLease()).item.job_id == job.id


def test_a_job_that_another_run_follows_is_not_taken_for_its_own(world: World) -> None:
    """Another request may name the file that was uploaded for this run alone."""
    world.provider.by_hand = True
    world.provider.files["file-own"] = RemoteFile(id="file-own", state=FileState.READY)
    other = world.submit(name="other", training_file="file-own")
    world.drive_to(other, RunStage.TRAINING)
    own = shared_file_run(world, training_file_id="file-own", file_purchase=0)
    assert create(own, world.ports, FakeLease()).item.job_id == "job-2"
    assert world.run(other).job_id == "job-1"

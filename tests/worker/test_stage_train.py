from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, FakeLease, World

from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_worker.marks import read_job_mark
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Hold, Sleep, StageResult
from tuneq_worker.stages.train import train

NOW = 1_000_000_000.0


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def look(world: World, status: JobStatus, **fields: str) -> StageResult[Run]:
    job = world.provider.put_job("r/0")
    world.provider.set_job(job.id, status, **fields)
    return train(world.a_run(RunStage.TRAINING, job_id=job.id), world.ports, FakeLease())


def test_success_frees_the_slot_and_notes_the_model(world: World) -> None:
    result = look(world, JobStatus.SUCCEEDED)
    assert isinstance(result, Advance)
    assert result.free
    assert result.item.stage is RunStage.COLLECTING
    assert (result.item.fine_tuned_model, result.item.trained_tokens) == ("ft:r/0", 1000)
    assert result.item.job_status == "succeeded"


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (JobStatus.FAILED, "job_failed", "exploded: it blew up"),
        (JobStatus.CANCELLED, "job_cancelled", "cancelled at the provider"),
    ],
)
def test_the_jobs_bad_end_is_the_runs(
    world: World, status: JobStatus, code: str, words: str
) -> None:
    result = look(world, status, error_code="exploded", error_message="it blew up")
    assert isinstance(result, Fail)
    assert result.failure.code == code
    assert words in result.failure.message


@pytest.mark.parametrize("status", [s for s in JobStatus if not s.is_terminal])
def test_any_other_status_sleeps_on_the_account(world: World, status: JobStatus) -> None:
    result = look(world, status)
    assert isinstance(result, Sleep)
    assert result.on == account_id(ACCOUNT)
    mark = read_job_mark(result.mark)
    assert mark is not None
    assert (mark.job_id, mark.shows(world.provider.jobs["job-1"])) == ("job-1", True)
    assert result.item.job_status == str(status)


def test_a_job_that_is_gone_is_an_error(world: World) -> None:
    run = world.a_run(RunStage.TRAINING, job_id="job-9")
    with pytest.raises(ProviderError) as raised:
        train(run, world.ports, FakeLease())
    assert raised.value.kind is ErrorKind.NOT_FOUND


def test_the_run_is_held_at_its_deadline_and_has_as_long_again_after_that(world: World) -> None:
    limit_s = Deadlines().start_s
    job = world.provider.put_job("r/0", JobStatus.QUEUED)
    run = world.a_run(RunStage.TRAINING, job_id=job.id, job_status="queued")
    for begin in (NOW, NOW + limit_s):
        first = train(run, world.ports, FakeLease(now=begin))
        assert isinstance(first, Sleep)
        assert first.item.job_since == begin
        almost = train(first.item, world.ports, FakeLease(now=begin + limit_s - 1))
        assert isinstance(almost, Sleep)
        assert (almost.item, almost.mark) == (first.item, first.mark)
        over = train(almost.item, world.ports, FakeLease(now=begin + limit_s))
        assert isinstance(over, Hold)
        run, reason = over.item, over.reason
    assert reason == (
        "job_not_running: job-1 is queued, at least since 2001-09-10 01:46:40 UTC; "
        "`tuneq release` waits as long again, `tuneq cancel` cancels the job"
    )


def test_a_job_that_has_ended_by_its_deadline_has_ended(world: World) -> None:
    job = world.provider.put_job("r/0")
    world.provider.set_job(job.id, JobStatus.SUCCEEDED)
    run = world.a_run(RunStage.TRAINING, job_id=job.id, job_status="queued", job_since=1.0)
    assert isinstance(train(run, world.ports, FakeLease(now=NOW)), Advance)

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, FakeLease, World, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Prepared, Purchase, Run
from tuneq_shared.domain.upload import upload_id
from tuneq_shared.ports.items import Asked
from tuneq_worker.marks import read_job_mark
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.ports.stage import Advance, Hold, Sleep, StageResult, Wait
from tuneq_worker.stages.cancel import cancel
from tuneq_worker.stages.evaluate import evaluate
from tuneq_worker.stages.sharing import shared_by
from tuneq_worker.stages.upload import upload

NOW = 10_000.0


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def look(world: World, run: Run, now: float = NOW) -> StageResult[Run]:
    return cancel(run, world.ports, FakeLease(now=now))


def a_run(world: World, **fields: Any) -> Run:
    return world.a_run(RunStage.CANCELLING, **fields)


def has_ended(result: StageResult[Run]) -> bool:
    return isinstance(result, Advance) and result.item.stage is RunStage.CANCELLED


def asked_of(world: World, kind: Kind) -> list[str | None]:
    return [record.asked for record in world.items_of(kind)]


def test_without_a_job_it_ends_without_a_word_to_the_provider(world: World) -> None:
    world.accounts.has_key = False
    assert has_ended(look(world, a_run(world)))
    assert world.provider.calls == []


def ends(world: World, run: Run) -> bool:
    """Whether it ends; then it leaves what it shares, as the commit does."""
    result = look(world, run)
    for item in shared_by(result.item):
        world.ports.items.leave(item, str(run.item))
    return has_ended(result)


def test_it_leaves_uploads_which_others_still_share(world: World) -> None:
    prepared = Prepared("a" * 64, 1, 1, "none", "b" * 64)
    runs = [
        world.a_run(RunStage.UPLOADING, world.request(name=name), prepared=prepared)
        for name in ("one", "two")
    ]
    for run in runs:
        upload(run, world.ports, FakeLease())
    assert ends(world, replace(runs[0], stage=RunStage.CANCELLING))
    assert asked_of(world, Kind.UPLOAD) == [None, None]
    assert ends(world, replace(runs[1], stage=RunStage.CANCELLING))
    assert asked_of(world, Kind.UPLOAD) == [Asked.CANCEL, Asked.CANCEL]
    assert world.record(upload_id(ACCOUNT, "a" * 64)).stage == "pending"


def evaluating(world: World, name: str) -> Run:
    request = world.request(**world.with_evaluation(name))
    job = world.provider.put_job(f"{name}/0", JobStatus.SUCCEEDED)
    run = world.a_run(
        RunStage.EVALUATING,
        request,
        fine_tuned_model=f"ft:{name}",
        job_id=job.id,
        prepared=world.prepared(),
    )
    return evaluate(run, world.ports, FakeLease()).item


def test_it_leaves_evaluations_which_others_still_share(world: World) -> None:
    one, two = evaluating(world, "one"), evaluating(world, "two")
    assert ends(world, replace(one, stage=RunStage.CANCELLING))
    assert asked_of(world, Kind.EVALUATION).count(Asked.CANCEL) == 1
    assert ends(world, replace(two, stage=RunStage.CANCELLING))
    assert asked_of(world, Kind.EVALUATION) == [Asked.CANCEL] * 3


def test_it_leaves_also_what_it_has_joined_but_not_noted(world: World) -> None:
    run = replace(evaluating(world, "one"), asked=(), stage=RunStage.CANCELLING)
    assert ends(world, run)
    assert asked_of(world, Kind.EVALUATION) == [Asked.CANCEL] * 2


def test_the_job_is_cancelled_until_it_has_ended(world: World) -> None:
    world.provider.cancels_at_once = False
    job = world.provider.put_job("r/0", JobStatus.RUNNING)
    run = a_run(world, job_id=job.id)
    result = look(world, run)
    assert isinstance(result, Sleep)
    mark = read_job_mark(result.mark)
    assert mark is not None
    assert (result.on, mark.job_id, mark.shows(job)) == (account_id(ACCOUNT), job.id, True)
    world.provider.set_job(job.id, JobStatus.CANCELLED)
    ended = look(world, result.item)
    assert has_ended(ended)
    assert ended.item.job_status == "cancelled"


def looks_in_vain(world: World, run: Run, *, most: int = 20) -> StageResult[Run]:
    """The first answer that is no further look for a job which is not found."""
    for _ in range(most):
        result = look(world, run)
        if not isinstance(result, Wait):
            return result
        assert "job-1" in result.event
        run = result.item
    raise AssertionError(run)


def test_a_job_is_gone_only_if_it_is_not_listed_either(world: World) -> None:
    ended = looks_in_vain(world, a_run(world, job_id="job-1"))
    assert isinstance(ended, Advance)
    assert has_ended(ended)
    assert "job-1 gone" in ended.event
    assert world.provider.count("cancel_job") > 2, "once may be a mistake"


def test_a_job_that_is_listed_but_not_found_is_for_an_operator(world: World) -> None:
    job = world.provider.put_job("r/0", JobStatus.RUNNING)
    world.provider.goes_wrong("cancel_job", *[refusal(ErrorKind.NOT_FOUND)] * 20)
    result = looks_in_vain(world, a_run(world, job_id=job.id))
    assert isinstance(result, Hold)
    assert job.id in result.reason


def test_a_job_that_is_found_after_all_is_cancelled(world: World) -> None:
    job = world.provider.put_job("r/0", JobStatus.RUNNING)
    world.provider.goes_wrong("cancel_job", *[refusal(ErrorKind.NOT_FOUND)] * 2)
    assert has_ended(looks_in_vain(world, a_run(world, job_id=job.id)))
    assert world.provider.jobs[job.id].status is JobStatus.CANCELLED


def test_of_several_jobs_all_are_waited_for(world: World) -> None:
    world.provider.cancels_at_once = False
    run = a_run(world, training_file_id="file-1")
    for status in (JobStatus.SUCCEEDED, JobStatus.RUNNING, JobStatus.RUNNING):
        world.provider.put_job(f"{run.id}/0", status)
    for ended in ("job-3", "job-2"):
        result = look(world, run)
        assert isinstance(result, Sleep)
        assert result.item.job_id != "job-1"
        world.provider.set_job(ended, JobStatus.CANCELLED)
        run = result.item
    result = look(world, run)
    assert has_ended(result)
    assert (result.item.job_id, result.item.candidates) == ("job-1", ()), "it has a model"


def test_an_error_about_one_job_does_not_keep_another_alive(world: World) -> None:
    run = a_run(world, training_file_id="file-1")
    for _ in range(2):
        world.provider.put_job(f"{run.id}/0", JobStatus.RUNNING)
    world.provider.goes_wrong("cancel_job", refusal(ErrorKind.SERVER))
    with pytest.raises(ProviderError):
        look(world, run)
    assert world.provider.jobs["job-2"].status is JobStatus.CANCELLED
    assert has_ended(look(world, run))


def test_candidates_are_looked_for_however_old_they_are(world: World) -> None:
    """Found before a creation of which there is no answer; the run was made anew."""
    fields = {"training_file_id": "file-1", "purchase": Purchase(0, NOW)}
    run = a_run(world, candidates=("job-1",), **fields)
    job = world.provider.put_job(f"{run.id}/0", JobStatus.RUNNING)
    world.provider.jobs[job.id] = replace(job, created_at=run.created_at - 86_400)
    assert has_ended(look(world, run))
    assert world.provider.jobs[job.id].status is JobStatus.CANCELLED


@pytest.mark.parametrize("kind", [ErrorKind.SERVER, ErrorKind.BAD_REQUEST, ErrorKind.AUTH])
def test_another_error_is_told(world: World, kind: ErrorKind) -> None:
    job = world.provider.put_job("r/0")
    world.provider.goes_wrong("cancel_job", refusal(kind))
    with pytest.raises(ProviderError):
        look(world, a_run(world, job_id=job.id))


def test_a_creation_without_answer_is_looked_for_until_the_grace_is_over(world: World) -> None:
    run = a_run(world, training_file_id="file-1", purchase=Purchase(0, NOW))
    grace = world.settings.purchase_grace_s
    for later in (0.0, grace - 1):
        assert isinstance(look(world, run, NOW + later), Wait)
    assert has_ended(look(world, run, NOW + grace + 1))


def test_a_creation_that_was_carried_out_is_cancelled(world: World) -> None:
    run = a_run(world, training_file_id="file-1", purchase=Purchase(0, NOW))
    world.provider.put_job(f"{run.id}/0", JobStatus.RUNNING)
    result = look(world, run)
    assert has_ended(result)
    assert result.item.job_id == "job-1"
    assert world.provider.jobs["job-1"].status is JobStatus.CANCELLED


def test_several_jobs_of_the_purchase_are_all_cancelled(world: World) -> None:
    run = a_run(world, training_file_id="file-1", purchase=Purchase(0, NOW))
    for _ in range(3):
        world.provider.put_job(f"{run.id}/0", JobStatus.RUNNING)
    assert has_ended(look(world, run))
    assert {job.status for job in world.provider.jobs.values()} == {JobStatus.CANCELLED}


def test_a_job_that_redis_has_not_kept_is_looked_for(world: World) -> None:
    run = a_run(world, training_file_id="file-1")
    assert has_ended(look(world, run))
    world.provider.put_job(f"{run.id}/0", JobStatus.RUNNING)
    assert has_ended(look(world, run))
    assert world.provider.jobs["job-1"].status is JobStatus.CANCELLED

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
from tuneq_worker.marks import job_mark
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.ports.stage import Advance, Sleep, StageResult, Wait
from tuneq_worker.stages.cancel import cancel
from tuneq_worker.stages.evaluate import evaluate
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


def test_it_leaves_uploads_which_others_still_share(world: World) -> None:
    prepared = Prepared("a" * 64, 1, 1, "none", "b" * 64)
    runs = [
        world.a_run(RunStage.UPLOADING, world.request(name=name), prepared=prepared)
        for name in ("one", "two")
    ]
    for run in runs:
        upload(run, world.ports, FakeLease())
    assert has_ended(look(world, replace(runs[0], stage=RunStage.CANCELLING)))
    assert asked_of(world, Kind.UPLOAD) == [None, None]
    assert has_ended(look(world, replace(runs[1], stage=RunStage.CANCELLING)))
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
    assert has_ended(look(world, replace(one, stage=RunStage.CANCELLING)))
    assert asked_of(world, Kind.EVALUATION).count(Asked.CANCEL) == 1
    assert has_ended(look(world, replace(two, stage=RunStage.CANCELLING)))
    assert asked_of(world, Kind.EVALUATION) == [Asked.CANCEL] * 3


def test_it_leaves_also_what_it_has_joined_but_not_noted(world: World) -> None:
    run = replace(evaluating(world, "one"), asked=(), stage=RunStage.CANCELLING)
    assert has_ended(look(world, run))
    assert asked_of(world, Kind.EVALUATION) == [Asked.CANCEL] * 2


def test_the_job_is_cancelled_until_it_has_ended(world: World) -> None:
    world.provider.cancels_at_once = False
    job = world.provider.put_job("r/0", JobStatus.RUNNING)
    run = a_run(world, job_id=job.id)
    result = look(world, run)
    assert isinstance(result, Sleep)
    assert (result.on, result.mark) == (account_id(ACCOUNT), job_mark(job))
    world.provider.set_job(job.id, JobStatus.CANCELLED)
    ended = look(world, result.item)
    assert has_ended(ended)
    assert ended.item.job_status == "cancelled"


def test_a_job_that_is_gone_needs_no_cancel(world: World) -> None:
    assert has_ended(look(world, a_run(world, job_id="job-9")))


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

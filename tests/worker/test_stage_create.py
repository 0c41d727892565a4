from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import AMBIGUOUS, STOPS_ACCOUNT, ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Prepared, Purchase, Run
from tuneq_shared.domain.waiting import WaitKind
from tuneq_shared.ports.items import Slot
from tuneq_worker.marks import read_job_mark
from tuneq_worker.ports.provider import FileState, Job, JobStatus, RemoteFile
from tuneq_worker.ports.stage import Advance, Fail, Hold, Sleep, StageResult, Wait
from tuneq_worker.stages.create import create

SLOT = Slot(f"{ACCOUNT}/{MODEL}", 2)
NOW = 10_000.0


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def a_run(world: World, **fields: Any) -> Run:
    for file_id in ("file-t", "file-v"):
        world.provider.files[file_id] = RemoteFile(id=file_id, state=FileState.READY)
    given = {
        "training_file_id": "file-t",
        "validation_file_id": "file-v",
        "prepared": Prepared("digest-t", 10, 10, "none", "digest-v"),
        **fields,
    }
    request = world.request(name="one", group="g", suffix="s", seed=5)
    return world.a_run(RunStage.CREATING, request, **given)


def look(world: World, run: Run, lease: FakeLease | None = None) -> StageResult[Run]:
    return create(run, world.ports, lease or FakeLease(now=NOW))


def intent_of(run: Run) -> float | None:
    return run.purchase.intent_at


def test_without_a_slot_it_asks_for_one_and_for_nothing_else(world: World) -> None:
    result = look(world, a_run(world), FakeLease(slot=False))
    assert isinstance(result, Advance)
    assert result.take == SLOT
    assert world.provider.calls == []


def test_a_job_is_bought_with_all_that_was_asked_for(world: World) -> None:
    run = a_run(world)
    result = look(world, run)
    assert isinstance(result, Sleep)
    (job,) = world.provider.jobs.values()
    assert result.on == account_id(ACCOUNT)
    mark = read_job_mark(result.mark)
    assert mark is not None
    assert (mark.job_id, mark.shows(job)) == (job.id, True)
    assert result.item.stage is RunStage.TRAINING
    assert result.item.job_id == job.id
    assert result.item.purchase == Purchase()
    spec = world.provider.specs[job.id]
    assert (spec.model, spec.training_file, spec.validation_file) == (MODEL, "file-t", "file-v")
    assert (spec.suffix, spec.seed, spec.purchase) == ("s", 5, f"{run.id}/0")
    assert spec.labels == {"tuneq_group": "g", "tuneq_name": "one"}


def test_the_intent_is_durable_before_the_post(world: World) -> None:
    order: list[str] = []
    lease = FakeLease(now=NOW)

    class Ordered(FakeLease):
        def save(self, item: Run) -> None:
            order.extend(name for name, _ in world.provider.calls)
            order.append(f"save {item.purchase.intent_at:g}")
            world.provider.calls.clear()

        def renew(self, seconds: float) -> None:
            order.append("renew")
            lease.renew(seconds)

    look(world, a_run(world), Ordered(now=NOW))
    order.extend(name for name, _ in world.provider.calls)
    assert order == ["renew", "find_jobs", f"save {NOW:g}", "create_job"]
    ((_, seconds),) = lease.log
    assert seconds > 3 * world.settings.request_timeout_s


def test_a_job_bought_before_is_adopted(world: World) -> None:
    run = a_run(world, purchase=Purchase(0, NOW - 1))
    job = world.provider.put_job(f"{run.id}/0")
    world.provider.put_job(f"{run.id}/1")
    result = look(world, run)
    assert isinstance(result, Sleep)
    assert (result.item.job_id, result.item.purchase) == (job.id, Purchase())
    assert "found" in result.event
    assert world.provider.count("create_job") == 0


def test_several_jobs_of_one_purchase_are_for_an_operator(world: World) -> None:
    run = a_run(world)
    for _ in range(2):
        world.provider.put_job(f"{run.id}/0")
    result = look(world, run)
    assert isinstance(result, Hold)
    assert "job-1, job-2" in result.reason
    assert result.item.candidates == ("job-1", "job-2")
    assert result.item.may_have_job
    assert intent_of(result.item) is None, "nothing was sent"
    assert world.provider.count("create_job") == 0


def test_of_several_the_one_that_was_not_cancelled_is_adopted(world: World) -> None:
    run = a_run(world)
    for _ in range(3):
        world.provider.put_job(f"{run.id}/0")
    world.provider.set_job("job-1", JobStatus.CANCELLED)
    world.provider.set_job("job-3", JobStatus.FAILED)
    result = look(world, run)
    assert isinstance(result, Sleep)
    assert result.item.job_id == "job-2"
    assert world.provider.count("create_job") == 0


@pytest.mark.parametrize("kind", sorted(AMBIGUOUS))
@pytest.mark.parametrize("done", [False, True], ids=["lost", "done"])
def test_an_unanswered_post_is_not_repeated_within_the_grace(
    world: World, kind: ErrorKind, *, done: bool
) -> None:
    world.provider.goes_wrong("create_job", refusal(kind), done=done)
    result = look(world, a_run(world))
    assert isinstance(result, Wait)
    run = result.item
    assert (intent_of(run), run.attempts) == (NOW, {"post": 1})
    world.provider.hidden.update(world.provider.jobs)
    grace = world.settings.purchase_grace_s
    for later in (1.0, grace / 2, grace - 1):
        again = look(world, run, FakeLease(now=NOW + later))
        assert isinstance(again, Wait)
        assert again.waiting is not None
        assert again.waiting.kind is WaitKind.RETRY
        assert intent_of(again.item) == NOW
    assert world.provider.count("create_job") == 1
    if done:
        world.provider.hidden.clear()
        found = look(world, run, FakeLease(now=NOW + grace + 1))
        assert found.item.job_id == "job-1"
        assert world.provider.count("create_job") == 1


def test_the_grace_begins_when_the_post_is_over(world: World) -> None:
    class Passing(FakeLease):
        def renew(self, seconds: float) -> None:
            self.now += seconds

    lease = Passing(now=NOW)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.NETWORK))
    result = look(world, a_run(world), lease)
    assert isinstance(result, Wait)
    assert intent_of(result.item) == lease.now > NOW + 6 * world.settings.request_timeout_s


@pytest.mark.parametrize(
    "may_have", [{"purchase": Purchase(0, NOW)}, {"candidates": ("job-9",)}], ids=["sent", "seen"]
)
def test_what_may_have_a_job_looks_before_it_asks_for_a_slot(
    world: World, may_have: dict[str, Any]
) -> None:
    run = a_run(world, **may_have)
    later = NOW + world.settings.purchase_grace_s
    result = look(world, run, FakeLease(slot=False, now=later))
    assert isinstance(result, Advance)
    assert (result.take, result.item.candidates) == (SLOT, ())
    assert world.provider.count("create_job") == 0
    job = world.provider.put_job(f"{run.id}/0")
    found = look(world, run, FakeLease(slot=False, now=later))
    assert found.item.job_id == job.id


def test_after_the_grace_it_is_bought_anew_with_a_new_intent(world: World) -> None:
    run = a_run(world, purchase=Purchase(0, NOW))
    later = NOW + world.settings.purchase_grace_s + 1
    lease = FakeLease(now=later)
    result = look(world, run, lease)
    assert isinstance(result, Sleep)
    assert world.provider.count("create_job") == 1
    (saved,) = [item for what, item in lease.log if what == "save"]
    assert intent_of(saved) == later


@pytest.mark.parametrize("kind", sorted(set(ErrorKind) - AMBIGUOUS - {ErrorKind.CAPACITY}))
def test_a_refusal_clears_the_intent(world: World, kind: ErrorKind) -> None:
    world.provider.goes_wrong("create_job", refusal(kind))
    result = look(world, a_run(world))
    assert intent_of(result.item) is None
    if kind in STOPS_ACCOUNT:
        assert isinstance(result, Sleep)
    elif kind in {ErrorKind.BAD_REQUEST, ErrorKind.MODERATION, ErrorKind.NOT_FOUND}:
        assert isinstance(result, Fail)
    else:
        assert isinstance(result, Wait)


def test_a_full_account_gives_the_slot_back(world: World) -> None:
    for asked, delay_s in ((40.0, 40.0), (None, 30.0)):
        world.provider.goes_wrong("create_job", refusal(ErrorKind.CAPACITY, asked))
        result = look(world, a_run(world))
        assert isinstance(result, Wait)
        assert (result.refused, result.delay_s) == (SLOT, delay_s)
        assert (intent_of(result.item), result.item.attempts) == (None, {})
        assert result.waiting is not None
        assert result.waiting.kind is WaitKind.SLOT


@pytest.mark.parametrize("lost", [("file-t",), ("file-v",), ("file-t", "file-v")])
def test_a_lost_file_sends_it_back_to_uploading(world: World, lost: tuple[str, ...]) -> None:
    run = a_run(world, lost_files=("file-old",))
    for file_id in lost:
        world.provider.files.pop(file_id)
    world.provider.goes_wrong("create_job", refusal(ErrorKind.BAD_REQUEST))
    result = look(world, run)
    assert isinstance(result, Advance)
    assert result.free
    assert result.item.stage is RunStage.UPLOADING
    assert result.item.lost_files == ("file-old", *lost)
    assert intent_of(result.item) is None


@pytest.mark.parametrize(
    "prepared", [None, Prepared("", 0, 0, "none", "digest-v")], ids=["both", "training"]
)
def test_a_file_that_the_user_brought_is_not_uploaded_again(
    world: World, prepared: Prepared | None
) -> None:
    run = a_run(world, prepared=prepared)
    world.provider.files.pop("file-t")
    result = look(world, run)
    assert isinstance(result, Fail)
    assert result.failure.code == "not_found"


def test_an_error_while_looking_for_lost_files_is_waited_out(world: World) -> None:
    world.provider.goes_wrong("create_job", refusal(ErrorKind.BAD_REQUEST))
    world.provider.goes_wrong("file", refusal(ErrorKind.SERVER))
    result = look(world, a_run(world))
    assert isinstance(result, Wait)
    assert intent_of(result.item) is None, "the creation was refused"


def test_files_that_vanish_again_and_again_are_not_uploaded_for_ever(world: World) -> None:
    run = a_run(world, lost_files=tuple(f"file-{n}" for n in range(6)))
    world.provider.files.clear()
    result = look(world, run)
    assert isinstance(result, Fail)
    assert result.failure.code == "not_found"


@pytest.mark.parametrize("status", [s for s in JobStatus if s.is_terminal])
def test_a_job_that_has_ended_at_once_is_followed_at_once(world: World, status: JobStatus) -> None:
    world.provider.first_status = status
    result = look(world, a_run(world))
    assert isinstance(result, Advance)
    assert result.item.stage is RunStage.TRAINING
    assert result.item.job_status == str(status)


def test_a_later_purchase_is_another(world: World) -> None:
    run = a_run(world)
    world.provider.put_job(f"{run.id}/0", JobStatus.FAILED)
    result = look(world, replace(run, purchase=Purchase(1)))
    assert result.item.job_id == "job-2"
    assert world.provider.specs["job-2"].purchase == f"{run.id}/1"


def test_the_first_look_goes_back_beyond_the_run_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a loss of Redis the run is younger than its job."""
    since: list[float | None] = []

    def find_jobs(_purchase: str, begin: float | None) -> list[Job]:
        since.append(begin)
        return []

    monkeypatch.setattr(world.provider, "find_jobs", find_jobs)
    run = a_run(world)
    look(world, run)
    look(world, replace(run, purchase=Purchase(0, NOW)))
    assert since == [None, run.created_at]

"""Whole courses on a real store, driven by what it says is due and by nothing else."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.worker.fakes import ACCOUNT, HOUR_S, MODEL, FakeChat, World, chat_line, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import AMBIGUOUS, STOPS_ACCOUNT, ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import document
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import DataRootError
from tuneq_shared.ports.items import Asked
from tuneq_shared.retrying import resumed
from tuneq_shared.settings import Limits
from tuneq_worker import steps as module
from tuneq_worker.ports.provider import FileState, JobStatus
from tuneq_worker.ports.stage import Advance
from tuneq_worker.stage_table import STAGES
from tuneq_worker.steps import step

SUCCEEDED, FAILED, CANCELLED = RunStage.SUCCEEDED, RunStage.FAILED, RunStage.CANCELLED


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def stage_of(world: World, item: ItemId) -> str:
    return world.record(item).stage


def becomes(monkeypatch: pytest.MonkeyPatch, kind: Kind, stage: str, function: Any) -> None:
    name, _ = STAGES[kind, stage]
    monkeypatch.setattr(module, "STAGES", {**STAGES, (kind, stage): (name, function)})


def raising(error: BaseException) -> Any:
    def function(*_: object) -> Any:
        raise error

    return function


def test_a_run_goes_from_submitted_to_succeeded(world: World) -> None:
    item = world.submit(**world.with_evaluation("one"))
    world.drive_to_end(item)
    run = world.run(item)
    assert run.stage is SUCCEEDED
    assert (run.job_status, run.fine_tuned_model) == ("succeeded", f"ft:{item.key}/0")
    assert run.finished_at is not None
    assert (run.attempts, run.waiting, run.failure) == ({}, None, None)
    assert run.cost_actual is not None
    assert len(run.artifacts) == 4
    assert world.provider.count("create_job") == world.provider.count("upload") == 1
    assert world.slots() == (set(), [])
    stages = [event.stage for event in world.ports.catalogue.events(item)]
    assert list(dict.fromkeys(stages)) == [
        "submitted",
        "preparing",
        "uploading",
        "creating",
        "training",
        "collecting",
        "evaluating",
        "succeeded",
    ]


def test_a_run_without_an_evaluation_ends_after_collecting(world: World) -> None:
    item = world.submit()
    world.drive_to_end(item)
    assert world.run(item).stage is SUCCEEDED
    assert world.items_of(Kind.EVALUATION) == []


def test_more_runs_than_slots_take_turns(world: World) -> None:
    runs = [world.submit(name=f"r{n}") for n in range(7)]
    most = 0
    for _ in range(80):
        active = [j for j in world.provider.jobs.values() if not j.status.is_terminal]
        most = max(most, len(active))
        world.round()
    assert {stage_of(world, item) for item in runs} == {SUCCEEDED}
    assert most == 2
    assert len(world.provider.jobs) == 7


def test_a_full_account_is_learnt_and_every_run_gets_its_job(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = World(redis_url, store_prefix, tmp_path, limits=Limits())
    world.provider.goes_wrong("create_job", None, *[refusal(ErrorKind.CAPACITY, 0.001)] * 4)
    runs = [world.submit(name=f"r{n}") for n in range(4)]
    world.drive_to_end(*runs)
    assert {stage_of(world, item) for item in runs} == {SUCCEEDED}
    assert len(world.provider.jobs) == 4


def test_an_item_that_is_not_due_is_left_alone(world: World) -> None:
    item = world.submit()
    assert world.ports.items.claim(item, HOUR_S) is not None
    assert step(world.ports, item) is None
    assert step(world.ports, ItemId(Kind.RUN, "nobody")) is None


def test_what_is_due_at_once_is_hinted_at_by_its_task(world: World) -> None:
    item = world.submit()
    assert step(world.ports, item) == "tuneq.accept".replace("accept", "prepare")
    assert step(world.ports, item) == "tuneq.upload"
    assert step(world.ports, item) is None, "it sleeps on its upload"


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        *(("create_job", kind) for kind in ErrorKind),
        *(
            (call, kind)
            for call in ("upload", "job", "events", "sweep")
            for kind in (ErrorKind.SERVER, ErrorKind.NOT_FOUND, ErrorKind.UNAVAILABLE)
        ),
    ],
)
def test_one_error_of_any_kind_anywhere(world: World, kind: ErrorKind, call: str) -> None:
    world.provider.goes_wrong(call, refusal(kind))
    item = world.submit()
    world.drive(
        lambda: world.ended(item) or self_stopped(world) or stage_of(world, item) == RunStage.HELD
    )
    final = {ErrorKind.BAD_REQUEST, ErrorKind.MODERATION, ErrorKind.NOT_FOUND}
    if kind in STOPS_ACCOUNT:
        failure = world.account().failure
        assert failure is not None
        assert failure.code == kind
        for _ in range(4):
            world.round()
        assert world.ended(item) == (
            kind is ErrorKind.UNAVAILABLE and call in {"upload", "create_job"}
        )
        world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE)
        world.drive_to_end(item)
    if (call, kind) == ("job", ErrorKind.NOT_FOUND):
        assert stage_of(world, item) == RunStage.HELD, "its job may go on"
    elif kind in final and call not in {"sweep", "events"}:
        run = world.run(item)
        assert run.stage is FAILED
        assert run.failure is not None
        assert run.failure.code == kind
    elif kind is not ErrorKind.UNAVAILABLE:
        assert stage_of(world, item) == SUCCEEDED
        assert len(world.provider.jobs) == 1


def self_stopped(world: World) -> bool:
    return any(r.stage == AccountStage.STOPPED for r in world.items_of(Kind.ACCOUNT))


@pytest.mark.parametrize("kind", sorted(AMBIGUOUS))
@pytest.mark.parametrize("call", ["upload", "create_job"])
def test_what_was_done_without_an_answer_is_not_done_twice(
    world: World, kind: ErrorKind, call: str
) -> None:
    world.provider.goes_wrong(call, refusal(kind), done=True)
    item = world.submit()
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED
    assert (len(world.provider.jobs), len(world.provider.contents)) == (1, 1)


@pytest.mark.parametrize("call", ["upload", "create_job"])
def test_a_fault_of_ours_after_the_deed_does_not_do_it_twice(world: World, call: str) -> None:
    """The adapter breaks on the answer: what was written down before the deed must stand."""
    world.provider.goes_wrong(call, KeyError("unforeseen"), done=True)
    if call == "create_job":
        world.provider.hidden.add("job-1")  # the listing is late
    item = world.submit()
    for _ in range(12):
        world.round(grace=False)
    assert world.provider.count(call) == 1
    world.provider.hidden.clear()
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED
    assert (len(world.provider.jobs), len(world.provider.contents)) == (1, 1)


def test_a_fault_of_ours_is_tried_again_and_then_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    becomes(monkeypatch, Kind.RUN, "preparing", raising(ZeroDivisionError("oops")))
    world.drive_to(item, RunStage.PREPARING)
    world.let_time_pass()
    assert step(world.ports, item) is None
    assert world.run(item).attempts == {"fault": 1}
    waiting = world.run(item).waiting
    assert waiting is not None
    assert waiting.reason == "ZeroDivisionError: oops"
    world.drive_to_end(item)
    run = world.run(item)
    assert run.failure is not None
    assert (run.failure.code, run.failure.stage) == ("internal_error", "preparing")


def test_faults_with_good_looks_between_them_are_no_row(world: World) -> None:
    world.provider.by_hand = True
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    for _ in range(8):
        world.provider.goes_wrong("job", RuntimeError("once"))
        world.ports.items.wake([item])
        world.drive(lambda: world.run(item).attempts == {"fault": 1})
        world.drive(lambda: world.record(item).parked_on is not None)
    assert world.run(item).stage is RunStage.TRAINING


def test_a_fault_in_the_accounts_sweep_never_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    with monkeypatch.context() as patched:
        becomes(patched, Kind.ACCOUNT, "active", raising(ZeroDivisionError("oops")))
        for _ in range(10):
            world.round()
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_a_stage_that_may_not_follow_is_a_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def jump(run: Run, *_: object) -> Any:
        return Advance(replace(run, stage=SUCCEEDED))

    item = world.submit()
    becomes(monkeypatch, Kind.RUN, "preparing", jump)
    world.drive_to(item, RunStage.PREPARING)
    world.let_time_pass()
    step(world.ports, item)
    assert world.run(item).attempts == {"fault": 1}
    world.drive_to_end(item)
    assert stage_of(world, item) == FAILED


@pytest.mark.parametrize("late", ["same", "other"])
def test_a_lost_lease_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    item = world.submit()

    def slow(run: Run, *_: object) -> Any:
        world.let_time_pass()
        if late == "other":
            assert world.ports.items.claim(item, HOUR_S) is not None
        return Advance(replace(run, stage=RunStage.PREPARING, job_id="job-lost"))

    becomes(monkeypatch, Kind.RUN, "submitted", slow)
    assert step(world.ports, item) is None
    run = world.run(item)
    assert (run.stage, run.job_id) == (RunStage.SUBMITTED, None)


def test_redis_going_away_in_a_stage_is_no_fault_of_the_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    becomes(monkeypatch, Kind.RUN, "submitted", raising(RedisConnectionError("away")))
    for _ in range(10):
        world.let_time_pass()
        with pytest.raises(RedisConnectionError):
            step(world.ports, item)
    assert world.run(item).attempts == {}
    monkeypatch.undo()
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def retry(world: World, item: ItemId) -> None:
    run = resumed(world.run(item))
    assert world.ports.items.revive(world.record(item), run.stage, document(run), "retried")


def test_only_a_retry_after_a_failed_job_buys_another(world: World) -> None:
    world.provider.course = [JobStatus.FAILED]
    item = world.submit(**world.with_evaluation("one"))
    world.drive_to_end(item)
    failure = world.run(item).failure
    assert failure is not None
    assert failure.code == "job_failed"
    world.provider.course = [JobStatus.SUCCEEDED]
    world.provider.chat.answer = raising(refusal(ErrorKind.BAD_REQUEST))
    retry(world, item)
    world.drive_to_end(item)
    failure = world.run(item).failure
    assert failure is not None
    assert failure.code == "evaluation_incomplete"
    world.provider.chat.answer = FakeChat().answer
    retry(world, item)
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED
    purchases = [job.purchase for job in world.provider.jobs.values()]
    assert purchases == [f"{item.key}/0", f"{item.key}/1"]
    assert len(world.provider.contents) == 1
    assert world.slots() == (set(), [])


def test_errors_with_good_looks_between_them_do_not_add_up(world: World) -> None:
    world.provider.by_hand = True
    item = world.submit()
    world.drive_to(item, RunStage.TRAINING)
    for n in range(40):
        word = f"status {n}"
        world.provider.jobs["job-1"] = replace(world.provider.jobs["job-1"], raw_status=word)
        world.provider.goes_wrong("job", refusal(ErrorKind.SERVER))
        world.drive(lambda word=word: world.run(item).job_status == word)  # type: ignore[misc]  # a loop's own lambda
    world.provider.set_job("job-1", JobStatus.SUCCEEDED)
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_two_jobs_of_one_purchase_hold_the_run_until_an_operator_has_decided(world: World) -> None:
    item = world.submit()
    extra = [world.provider.put_job(f"{item.key}/0", JobStatus.RUNNING) for _ in range(2)]
    world.drive_to(item, RunStage.HELD)
    world.round()
    assert stage_of(world, item) == RunStage.HELD
    del world.provider.jobs[extra[0].id]
    world.ports.items.ask([item], Asked.RELEASE)
    world.drive_to_end(item)
    assert world.run(item).job_id == extra[1].id
    assert stage_of(world, item) == SUCCEEDED


def test_a_lost_file_is_sent_again(world: World) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.CREATING)
    world.provider.files.clear()
    world.drive_to_end(item)
    run = world.run(item)
    assert (run.stage, run.lost_files, run.training_file_id) == (SUCCEEDED, ("file-1",), "file-2")
    assert MODEL in world.provider.specs[run.job_id or ""].model


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("oops"), refusal(ErrorKind.SERVER), OSError("disk")], ids=repr
)
def test_a_stage_that_fails_after_its_lease_was_lost_leaves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    item = world.submit()

    def slow(*_: object) -> Any:
        world.let_time_pass()
        raise error

    becomes(monkeypatch, Kind.RUN, "submitted", slow)
    assert step(world.ports, item) is None
    assert world.run(item).attempts == {}


def test_the_lease_is_kept_while_a_stage_works(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(redis_url, store_prefix, tmp_path, lease_s=0.3)
    item = world.submit()
    key = f"{store_prefix}:item:{item}"

    def slow(run: Run, *_: object) -> Any:
        first = float(world.redis.hget(key, "lease"))
        deadline = time.monotonic() + 20
        while float(world.redis.hget(key, "lease")) < first + 500:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return Advance(replace(run, stage=RunStage.PREPARING))

    becomes(monkeypatch, Kind.RUN, "submitted", slow)
    assert step(world.ports, item) == "tuneq.prepare"


def test_a_data_root_that_is_away_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.COLLECTING)
    with monkeypatch.context() as patched:
        patched.setattr(world.ports.data, "write", raising(DataRootError("the disk is full")))
        for _ in range(10):
            world.round()
    run = world.run(item)
    assert (run.stage, run.attempts) == (RunStage.COLLECTING, {"surroundings": 10})
    assert run.waiting is not None
    assert "disk is full" in run.waiting.reason
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_a_document_of_a_newer_worker_waits_for_one(world: World) -> None:
    item = world.submit()
    key = f"{world.prefix}:item:{item}"
    doc = world.redis.hget(key, "doc")
    world.redis.hset(key, "doc", '{"v": 99, "news": 1}')
    assert step(world.ports, item) is None
    record = world.record(item)
    assert (record.stage, record.doc["news"]) == ("submitted", 1)
    assert record.due_at is not None
    world.redis.hset(key, "doc", doc)
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


@pytest.mark.parametrize(
    ("kind", "stage"),
    [
        (Kind.ACCOUNT, RunStage.TRAINING),
        (Kind.UPLOAD, RunStage.UPLOADING),
        (Kind.EVALUATION, RunStage.EVALUATING),
    ],
)
def test_a_run_that_shares_what_a_newer_worker_wrote_waits_for_one(
    world: World, kind: Kind, stage: RunStage
) -> None:
    world.provider.by_hand = kind is not Kind.EVALUATION
    item = world.submit(**world.with_evaluation("one"))
    world.drive_to(item, stage)
    world.drive(lambda: bool(world.items_of(kind)))
    keys = [f"{world.prefix}:item:{record.item}" for record in world.items_of(kind)]
    docs = [world.redis.hget(key, "doc") for key in keys]
    for key, doc in zip(keys, docs, strict=True):
        world.redis.hset(key, "doc", orjson.dumps({**orjson.loads(doc), "v": 99}))
    for _ in range(8):
        world.ports.items.wake([item])
        world.round()
    assert stage_of(world, item) == stage
    told = [event.message for event in world.ports.catalogue.events(item)]
    assert sum("newer tuneq" in message for message in told) == 1
    for key, doc in zip(keys, docs, strict=True):
        world.redis.hset(key, "doc", doc)
    world.provider.by_hand = False
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_a_run_that_failed_does_not_keep_alive_what_only_it_wanted(world: World) -> None:
    held_out = world.put("v.jsonl", [chat_line(n) for n in range(500, 503)])
    world.provider.file_states.extend([FileState.ERROR, FileState.PENDING])
    item = world.submit(validation_file=held_out)
    world.drive_to_end(item)
    assert stage_of(world, item) == FAILED
    uploads = [record.item for record in world.items_of(Kind.UPLOAD)]
    world.drive_to_end(*uploads)
    assert {stage_of(world, upload) for upload in uploads} == {"failed", "cancelled"}

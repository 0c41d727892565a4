"""An account that is stopped, released, refused for good, or whose key is missing."""

from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, World, chat_line, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.evaluations import new_evaluation
from tuneq_shared.ports.items import Asked
from tuneq_worker.marks import KEY_MARK, STOPPED_MARK
from tuneq_worker.steps import step

SUCCEEDED, FAILED, CANCELLED = RunStage.SUCCEEDED, RunStage.FAILED, RunStage.CANCELLED


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def stage_of(world: World, item: ItemId) -> str:
    return world.record(item).stage


def self_stopped(world: World) -> bool:
    return any(r.stage == AccountStage.STOPPED for r in world.items_of(Kind.ACCOUNT))


def test_without_its_key_a_run_sleeps_and_does_not_spin(world: World) -> None:
    world.accounts.has_key = False
    item = world.submit()
    assert step(world.ports, item) is None
    assert world.record(item).parked_on == account_id(ACCOUNT)
    assert world.ports.items.parked_on(account_id(ACCOUNT)) == {item: KEY_MARK}
    waiting = world.run(item).waiting
    assert waiting is not None
    assert "no key" in waiting.reason
    for _ in range(3):
        world.round()
    assert stage_of(world, item) == "submitted"
    world.accounts.has_key = True
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_an_evaluation_without_a_run_does_not_spin_either(world: World) -> None:
    spec = EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", [chat_line(n) for n in range(5)]),
        dataset_digest="d",
        scorer="exact",
        max_tokens=1,
        temperature=0.0,
    )
    world.ports.items.join(new_evaluation(spec), "somebody", [])
    world.accounts.has_key = False
    for _ in range(4):
        world.round()
    (shard,) = world.items_of(Kind.SHARD)
    assert shard.parked_on == account_id(ACCOUNT)
    world.accounts.has_key = True
    world.drive_to_end(Evaluation.item_of(spec.fingerprint()))
    assert world.provider.chat.asked.total() == 5


def test_a_stopped_account_parks_all_its_runs_and_a_release_wakes_them(world: World) -> None:
    runs = [world.submit(name=f"r{n}") for n in range(4)]
    world.provider.goes_wrong("create_job", refusal(ErrorKind.QUOTA))
    world.drive(lambda: all(world.record(i).parked_on == account_id(ACCOUNT) for i in runs))
    world.drive(lambda: world.account().stage is AccountStage.STOPPED)
    for _ in range(5):
        world.round()
    asked = len(world.provider.jobs)
    late = world.submit(name="late")
    for _ in range(3):
        world.round()
    assert world.ports.items.parked_on(account_id(ACCOUNT))[late] == STOPPED_MARK
    assert len(world.provider.jobs) == asked
    world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE)
    world.drive_to_end(*runs, late)
    assert {stage_of(world, item) for item in [*runs, late]} == {SUCCEEDED}
    assert len(world.provider.jobs) == 5


def test_a_run_that_looks_between_the_release_and_its_commit_is_not_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = world.submit()
    world.provider.goes_wrong("upload", refusal(ErrorKind.QUOTA))
    world.drive(lambda: self_stopped(world))
    world.drive(lambda: world.record(item).parked_on is not None)
    wake = world.ports.items.wake

    def wake_and_be_looked_at(items: Any) -> None:
        wake(items)
        for upload in world.items_of(Kind.UPLOAD):
            step(world.ports, upload.item)
        step(world.ports, item)

    with monkeypatch.context() as patched:
        patched.setattr(world.ports.items, "wake", wake_and_be_looked_at)
        world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE)
        world.let_time_pass()
        step(world.ports, account_id(ACCOUNT))
    assert world.account().stage is AccountStage.ACTIVE
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_a_release_of_an_account_that_works_does_not_outlast_its_next_stop(world: World) -> None:
    item = world.submit()
    world.drive_to(item, RunStage.UPLOADING)
    world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE)
    world.round()
    world.provider.goes_wrong("create_job", refusal(ErrorKind.QUOTA))
    world.drive(lambda: self_stopped(world))
    for _ in range(3):
        world.round()
    assert world.account().stage is AccountStage.STOPPED


def test_a_daily_limit_ends_by_itself(world: World) -> None:
    item = world.submit()
    world.provider.goes_wrong("create_job", refusal(ErrorKind.DAILY))
    world.drive(lambda: self_stopped(world))
    until = world.account().stopped_until
    assert until is not None
    key = f"{world.prefix}:item:{account_id(ACCOUNT)}"
    world.redis.hset(key, "doc", world.redis.hget(key, "doc").replace(f"{until}", "1.0"))
    world.drive_to_end(item)
    assert stage_of(world, item) == SUCCEEDED


def test_refused_for_good_fails_what_is_not_paid_and_keeps_what_is(world: World) -> None:
    paid = world.submit(name="paid")
    world.drive_to(paid, RunStage.TRAINING)
    unpaid = [world.submit(name=f"r{n}") for n in range(3)]
    world.provider.goes_wrong("create_job", refusal(ErrorKind.UNAVAILABLE))
    world.drive_to_end(*unpaid)
    for item in unpaid:
        run = world.run(item)
        assert run.stage is FAILED
        assert run.failure is not None
        assert run.failure.code == "unavailable"
    assert not world.ended(paid)
    world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE)
    world.drive_to_end(paid)
    assert stage_of(world, paid) == SUCCEEDED

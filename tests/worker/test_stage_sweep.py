from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, HOUR_S, FakeLease, World, refusal

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind, Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.items import Asked, Commit, Creation, NewItem, Park
from tuneq_shared.settings import Limits
from tuneq_worker.marks import KEY_MARK, STOPPED_MARK, JobMark, stop_mark
from tuneq_worker.ports.provider import JobStatus
from tuneq_worker.ports.stage import Advance, StageResult, Wait
from tuneq_worker.stages.sweep import stopped, sweep

NOW = 10_000.0
ACTIVE = AccountState(id=ACCOUNT, stage=AccountStage.ACTIVE)
STOPPED = AccountState(
    id=ACCOUNT, stage=AccountStage.STOPPED, failure=Failure("quota", "no money left")
)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    world = World(redis_url, store_prefix, tmp_path, limits=Limits(poll_interval_s=20.0))
    new = NewItem(
        item=ACTIVE.item, stage=ACTIVE.stage, fixed=fixed_part(ACTIVE), doc=document(ACTIVE)
    )
    assert world.ports.items.create([new]) == [Creation.CREATED]
    world.provider.by_hand = True
    return world


def parked(world: World, name: str, mark: str) -> ItemId:
    item = world.submit(name=name)
    claim = world.ports.items.claim(item, HOUR_S)
    assert claim is not None
    park = Park(account_id(ACCOUNT), mark)
    assert not world.ports.items.commit(claim, Commit(stage="submitted", doc={}, park=park))
    return item


def in_training(world: World, name: str) -> ItemId:
    job = world.provider.put_job(name)
    mark = JobMark(job.id, NOW, RunStage.TRAINING, job.status, job.raw_status)
    return parked(world, name, str(mark))


def awake(world: World, *items: ItemId) -> list[bool]:
    return [world.record(item).parked_on is None for item in items]


def look(world: World, **fields: Any) -> StageResult[AccountState]:
    return sweep(replace(ACTIVE, **fields), world.ports, FakeLease(now=NOW))


def test_only_runs_whose_job_changed_are_woken(world: World) -> None:
    runs = [in_training(world, name) for name in ("same", "raw", "ended", "gone")]
    world.provider.jobs["job-2"] = replace(world.provider.jobs["job-2"], raw_status="other")
    world.provider.set_job("job-3", JobStatus.SUCCEEDED)
    del world.provider.jobs["job-4"]
    result = look(world, attempts=3)
    assert isinstance(result, Wait)
    assert (result.delay_s, result.item.attempts) == (20.0, 0)
    assert awake(world, *runs) == [False, True, True, True]
    assert world.provider.count("sweep") == 1


def test_without_jobs_the_provider_is_not_asked(world: World) -> None:
    assert isinstance(look(world), Wait)
    assert world.provider.calls == []


def test_runs_without_a_key_look_again_where_it_is(world: World) -> None:
    run = parked(world, "one", KEY_MARK)
    world.accounts.has_key = False
    assert isinstance(look(world), Wait)
    assert awake(world, run) == [False]
    world.accounts.has_key = True
    assert isinstance(look(world), Wait)
    assert awake(world, run) == [True]


def test_one_that_fell_asleep_just_before_the_release_is_woken(world: World) -> None:
    run = parked(world, "one", STOPPED_MARK)
    look(world)
    assert awake(world, run) == [True]


@pytest.mark.parametrize(
    ("kind", "for_s", "until"),
    [
        (ErrorKind.QUOTA, 0.0, None),
        (ErrorKind.AUTH, 0.0, None),
        (ErrorKind.DAILY, 3600.0, NOW + 3600),
        (ErrorKind.UNAVAILABLE, 0.0, None),
    ],
)
def test_a_refusal_that_one_run_met_stops_the_account(
    world: World, kind: ErrorKind, for_s: float, until: float | None
) -> None:
    parked(world, "one", stop_mark(refusal(kind), for_s))
    result = look(world)
    assert isinstance(result, Advance)
    assert result.item.stage is AccountStage.STOPPED
    assert result.item.failure == Failure(kind.value, f"the provider said {kind}")
    assert result.item.stopped_until == until
    assert result.item.refused_for_good == (kind is ErrorKind.UNAVAILABLE)
    assert result.answered is Asked.RELEASE, "an older release is no answer to this refusal"


@pytest.mark.parametrize("kind", sorted(STOPS_ACCOUNT))
def test_a_refusal_of_the_sweep_itself_stops_it_too(world: World, kind: ErrorKind) -> None:
    in_training(world, "one")
    world.provider.goes_wrong("sweep", refusal(kind))
    result = look(world)
    assert isinstance(result, Advance)
    assert result.item.stage is AccountStage.STOPPED


@pytest.mark.parametrize("kind", sorted(set(ErrorKind) - STOPS_ACCOUNT))
def test_any_other_error_backs_off_and_is_never_final(world: World, kind: ErrorKind) -> None:
    in_training(world, "one")
    delays = []
    attempts = 0
    for _ in range(40):
        world.provider.goes_wrong("sweep", refusal(kind))
        result = look(world, attempts=attempts)
        assert isinstance(result, Wait)
        attempts = result.item.attempts
        delays.append(result.delay_s)
    assert delays == sorted(delays)
    assert delays[0] >= 20.0
    assert delays[-1] <= 300.0


def test_the_providers_own_wait_is_kept(world: World) -> None:
    in_training(world, "one")
    world.provider.goes_wrong("sweep", refusal(ErrorKind.RATE, 77.0))
    result = look(world)
    assert isinstance(result, Wait)
    assert result.delay_s == 77.0


def test_stopped_it_waits_for_an_operator(world: World) -> None:
    run = parked(world, "one", STOPPED_MARK)
    result = stopped(STOPPED, world.ports, FakeLease(now=NOW))
    assert isinstance(result, Wait)
    assert result.item == STOPPED
    assert awake(world, run) == [False]


@pytest.mark.parametrize(
    ("asked", "until", "goes_on"),
    [
        (Asked.RELEASE, None, True),
        (Asked.RELEASE, NOW + 1, True),
        (None, NOW, True),
        (None, NOW + 1, False),
    ],
)
def test_released_or_after_its_time_all_go_on(
    world: World, asked: Asked | None, until: float | None, *, goes_on: bool
) -> None:
    runs = [parked(world, "one", STOPPED_MARK), in_training(world, "two")]
    account = replace(STOPPED, stopped_until=until)
    result = stopped(account, world.ports, FakeLease(asked=asked, now=NOW))
    assert isinstance(result, Advance if goes_on else Wait)
    assert awake(world, *runs) == [goes_on, goes_on]
    if isinstance(result, Advance):
        assert result.item == ACTIVE
        assert result.answered is Asked.RELEASE


def test_while_stopped_jobs_are_still_seen_to_end(world: World) -> None:
    runs = [in_training(world, "one"), in_training(world, "two")]
    world.provider.set_job("job-2", JobStatus.CANCELLED)
    assert isinstance(stopped(STOPPED, world.ports, FakeLease(now=NOW)), Wait)
    assert awake(world, *runs) == [False, True]
    world.provider.set_job("job-1", JobStatus.CANCELLED)
    world.provider.goes_wrong("sweep", refusal(ErrorKind.AUTH))
    assert isinstance(stopped(STOPPED, world.ports, FakeLease(now=NOW)), Wait)
    world.accounts.has_key = False
    assert isinstance(stopped(STOPPED, world.ports, FakeLease(now=NOW)), Wait)
    assert awake(world, runs[0]) == [False]


def test_an_account_that_is_no_longer_configured_only_waits(world: World) -> None:
    world.accounts.has_key = False
    other = replace(ACTIVE, id="other")
    assert isinstance(sweep(other, world.ports, FakeLease()), Wait)
    assert world.run(world.submit()).stage is RunStage.SUBMITTED

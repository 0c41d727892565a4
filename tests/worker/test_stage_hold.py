from pathlib import Path

import pytest
from tests.worker.fakes import FakeLease, World

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.stage import Advance, Wait
from tuneq_worker.stages.hold import held


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def test_it_waits_with_the_reason_as_it_was(world: World) -> None:
    waiting = Waiting(WaitKind.OPERATOR, "r", "two jobs")
    run = world.a_run(RunStage.HELD, held_from=RunStage.CREATING, waiting=waiting)
    result = held(run, world.ports, FakeLease())
    assert isinstance(result, Wait)
    assert (result.item, result.waiting) == (run, waiting)
    assert result.delay_s > 0


def test_released_it_goes_back_to_where_it_was(world: World) -> None:
    run = world.a_run(RunStage.HELD, held_from=RunStage.CREATING)
    result = held(run, world.ports, FakeLease(asked=Asked.RELEASE))
    assert isinstance(result, Advance)
    assert (result.item.stage, result.item.held_from) == (RunStage.CREATING, None)
    assert result.answered is Asked.RELEASE


def test_released_it_waits_for_its_job_as_long_again(world: World) -> None:
    run = world.a_run(RunStage.HELD, held_from=RunStage.TRAINING, job_id="job-1", job_since=5.0)
    assert held(run, world.ports, FakeLease(asked=Asked.RELEASE)).item.job_since is None

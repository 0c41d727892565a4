from pathlib import Path

import pytest
from tests.worker.fakes import FakeLease, World

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.errors import ConfigurationError
from tuneq_worker.ports.stage import Advance
from tuneq_worker.stages.accept import accept


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def test_a_run_goes_on_where_the_key_is(world: World) -> None:
    result = accept(world.a_run(RunStage.SUBMITTED), world.ports, FakeLease())
    assert isinstance(result, Advance)
    assert result.item.stage is RunStage.PREPARING


def test_without_the_key_it_does_not(world: World) -> None:
    world.accounts.has_key = False
    with pytest.raises(ConfigurationError, match="no key"):
        accept(world.a_run(RunStage.SUBMITTED), world.ports, FakeLease())

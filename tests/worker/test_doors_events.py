"""The stream of events that others follow: each change of a stage once, in order."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from tests.worker.fakes import World

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import TRANSITIONS


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def test_each_change_of_a_stage_appears_once_and_in_order(world: World) -> None:
    runs = [world.submit(**world.with_evaluation(name)) for name in ("one", "two", "three")]
    world.drive_to_end(*runs)
    stages = defaultdict(list)
    for _, event in world.redis.xrange(f"{world.prefix}:events"):
        assert set(event) == {"run", "group", "name", "stage", "message"}
        run = world.run(ItemId(Kind.RUN, event["run"]))
        assert (event["group"], event["name"]) == (run.request.group, run.name)
        stages[event["run"]].append(event["stage"])
    assert set(stages) == {item.key for item in runs}
    for item in runs:
        seen = stages[item.key]
        assert seen[0] == "submitted"
        assert seen[-1] == "succeeded"
        assert seen == [event.stage for event in world.ports.catalogue.events(item)]
        changes = [s for n, s in enumerate(seen) if n == 0 or s != seen[n - 1]]
        assert len(set(changes)) == len(changes)
        for before, after in pairwise(changes):
            assert after in TRANSITIONS[Kind.RUN][before]

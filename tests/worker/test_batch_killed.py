"""A batch evaluation killed between any two side effects is bought once, each sample of it."""

import os
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from tests.worker.dying import Death, deaths, live_until_killed
from tests.worker.fakes import ACCOUNT, MODEL, FakeLane, World, chat_line

from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec, Shard
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.domain.record import load
from tuneq_shared.evaluations import new_evaluation


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # A process that dies takes nothing with it that was written: only a machine does.
    monkeypatch.setattr(os, "fsync", lambda _: None)


def test_death_at_any_side_effect(redis_url: str, tmp_path: Path) -> None:
    unharmed = Death()
    _live(_world(redis_url, tmp_path), unharmed)
    assert {"upload_requests", "create_batch", "delete_file"} <= set(unharmed.seen)
    for death in deaths(unharmed):
        _live(_world(redis_url, tmp_path), death)


def test_death_around_a_purchase_without_metadata(redis_url: str, tmp_path: Path) -> None:
    unharmed = Death()
    _live(_world(redis_url, tmp_path, metadata=False), unharmed)
    bought = unharmed.seen.index("create_batch")
    for death in (Death(bought), Death(bought, after=True), Death(bought + 1)):
        _live(_world(redis_url, tmp_path, metadata=False), death)


def _world(redis_url: str, folder: Path, *, metadata: bool = True) -> World:
    name = uuid.uuid4().hex
    able = {"metadata": metadata}
    world = World(redis_url, f"test-{name}", folder / name, capabilities=able)
    world.ports = replace(world.ports, lane=FakeLane(world.provider.chat))
    return world


def _begin(world: World) -> ItemId:
    spec = EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", [chat_line(n, "AB"[n % 2]) for n in range(2)]),
        dataset_digest="d",
        scorer="choice",
        max_tokens=1,
        temperature=0.0,
        mode="batch",
    )
    new = new_evaluation(spec)
    world.ports.items.join(new, "me", ["cancelled"])
    return new.item


def _live(world: World, death: Death) -> None:
    """Its batch expires with one of two requests done, so that there is another."""
    world.provider.expire_after.append(1)
    item = _begin(world)
    live_until_killed(world, death, lambda: world.ended(item))
    _check(world, item, death, batches=2)


def _check(world: World, item: ItemId, death: Death, *, batches: int) -> None:
    note = f"killed at {death.at}: {death.seen[death.at or 0]}, after: {death.after}"
    world.drive_to_end(item)
    evaluation = load(world.record(item), Evaluation)
    assert evaluation.stage is EvaluationStage.DONE, note
    assert evaluation.counts.samples == 2, note
    assert sorted(world.provider.paid.values()) == [1, 1], note
    assert len(world.provider.batches) == batches, note
    with world.ports.data.read(evaluation.artifact or "") as file:
        assert len(file.readlines()) == 2, note


def test_death_while_it_is_cancelled(redis_url: str, tmp_path: Path) -> None:
    unharmed = Death()
    _cancel(_world(redis_url, tmp_path), unharmed)
    assert "cancel_batch" in unharmed.seen
    for death in deaths(unharmed):
        _cancel(_world(redis_url, tmp_path), death)


def _cancel(world: World, death: Death) -> None:
    """Cancelled with its batch under way, then taken up again: what was answered is kept."""
    item = _begin(world)
    world.provider.looks = 99
    world.drive(lambda: len(world.provider.active_batches()) == 1)
    world.ports.items.leave(item, "me")

    def ended() -> bool:
        shards = [load(record, Shard) for record in world.items_of(Kind.SHARD)]
        return world.ended(item) and all(world.ended(shard.item) for shard in shards)

    live_until_killed(world, death, ended)
    world.drive(ended)
    assert not world.provider.active_batches(), death.at
    world.provider.looks = 1
    _begin(world)
    _check(world, item, death, batches=2)

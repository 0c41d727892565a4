"""Killed between any two side effects: nothing is lost, and nothing is bought twice."""

import os
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.dying import Death, deaths, live_until_killed
from tests.worker.fakes import MODEL, FakeLane, World

from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import DeploymentStage, EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.provider import JobStatus

NewWorld = Callable[..., World]
UNMARKED: dict[str, Any] = {"capabilities": {"metadata": False}}
DEPLOYS: dict[str, Any] = {"capabilities": {"deployment": True}}
marked_or_not = pytest.mark.parametrize("settings", [{}, UNMARKED], ids=["marked", "unmarked"])


@pytest.fixture
def new_world(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NewWorld:
    # A process that dies takes nothing with it that was written: only a machine does.
    monkeypatch.setattr(os, "fsync", lambda _: None)

    def make(**settings: Any) -> World:
        name = uuid.uuid4().hex
        world = World(redis_url, f"test-{name}", tmp_path / name, **settings)
        # What the real lane writes is the limiter's, which has no part in what is looked at here.
        world.ports = replace(world.ports, lane=FakeLane(world.provider.chat))
        return world

    return make


def check_bought_once(world: World, runs: list[ItemId]) -> None:
    jobs = Counter(map(world.provider.bought_for, world.provider.jobs))
    assert jobs == {f"{item.key}/0": 1 for item in runs}
    names = Counter(name for name, _ in world.provider.contents.values())
    assert set(names.values()) == {1}
    assert world.slots() == (set(), [])


def test_a_run_survives_death_at_any_side_effect(new_world: NewWorld) -> None:
    unharmed = Death()
    _live_a_run(new_world(), unharmed)
    assert len(unharmed.seen) > 50
    for death in deaths(unharmed):
        _live_a_run(new_world(), death)


def test_a_purchase_without_metadata_survives_death_at_any_side_effect(
    new_world: NewWorld,
) -> None:
    """From the upload on; what comes before and after the training is the same for all."""
    unharmed = Death()
    _buy_two(new_world(**UNMARKED), unharmed)
    assert {"upload", "create_job"} <= set(unharmed.seen)
    for death in deaths(unharmed):
        _buy_two(new_world(**UNMARKED), death)


def test_a_deployment_survives_death_at_any_side_effect(new_world: NewWorld) -> None:
    """From the evaluation's first look to the removal; the purchase before it is the same."""
    unharmed = Death()
    _deploy_one(new_world(**DEPLOYS), unharmed)
    assert {"deploy", "remove_deployment"} <= set(unharmed.seen)
    for death in deaths(unharmed):
        _deploy_one(new_world(**DEPLOYS), death)


def _deploy_one(world: World, death: Death) -> None:
    provider = world.provider
    provider.deploys = True
    item = world.submit(**world.with_evaluation("one", baselines=[]))
    world.drive_to(item, RunStage.EVALUATING)

    def ended() -> bool:
        deployments = world.items_of(Kind.DEPLOYMENT)
        gone = [record.stage == DeploymentStage.RELEASED for record in deployments]
        return world.ended(item) and bool(gone) and all(gone)

    live_until_killed(world, death, ended)
    world.drive(ended)
    assert world.run(item).stage is RunStage.SUCCEEDED, death.at
    assert len(provider.deployments) == 1
    assert provider.standing() == []


def _buy_two(world: World, death: Death) -> None:
    runs = [world.submit(name=name) for name in ("one", "two")]
    for item in runs:
        world.drive_to(item, RunStage.UPLOADING)
    bought = {RunStage.TRAINING, RunStage.COLLECTING, RunStage.SUCCEEDED}
    live_until_killed(
        world, death, lambda: all(world.record(item).stage in bought for item in runs)
    )
    world.drive_to_end(*runs)
    assert {world.run(item).stage for item in runs} == {RunStage.SUCCEEDED}, death.at
    check_bought_once(world, runs)


def _live_a_run(world: World, death: Death) -> None:
    world.provider.first_status = JobStatus.RUNNING
    world.provider.course = [JobStatus.RUNNING, JobStatus.SUCCEEDED]
    runs = [world.submit(**world.with_evaluation(name)) for name in ("one", "two")]
    live_until_killed(world, death, lambda: all(map(world.ended, runs)))
    try:
        world.drive_to_end(*runs)
        for item in runs:
            run = world.run(item)
            assert run.stage is RunStage.SUCCEEDED, run.failure
            assert [asked.model for asked in run.asked] == [f"ft:{item.key}/0", MODEL]
        check_bought_once(world, runs)
        evaluations = [load(record, Evaluation) for record in world.items_of(Kind.EVALUATION)]
        assert len(evaluations) == 3
        for evaluation in evaluations:
            assert evaluation.stage is EvaluationStage.DONE
            assert evaluation.counts.samples == 5
            assert (evaluation.counts.correct, evaluation.counts.wrong) == (3, 2)
            with world.ports.data.read(evaluation.artifact or "") as file:
                assert len(file.readlines()) == 5
    except AssertionError as error:
        name = death.seen[death.at] if death.at is not None else "never"
        error.add_note(f"killed at {death.at}: {name}, after: {death.after}")
        raise


@marked_or_not
def test_death_after_the_purchase_while_the_listing_is_late(
    new_world: NewWorld, settings: dict[str, Any]
) -> None:
    unharmed = Death()
    _buy(new_world(**settings), unharmed)
    bought = unharmed.seen.index("create_job")
    for death in (Death(bought, after=True), Death(bought + 1)):
        world = new_world(**settings)
        item = _buy(world, death)
        world.provider.hidden.update(world.provider.jobs)
        for _ in range(5):
            world.round(grace=False)
        assert world.provider.count("create_job") == 1
        world.provider.hidden.clear()
        world.drive_to_end(item)
        assert world.run(item).stage is RunStage.SUCCEEDED
        check_bought_once(world, [item])


def _buy(world: World, death: Death) -> ItemId:
    item = world.submit()
    live_until_killed(world, death, lambda: world.ended(item))
    return item


def test_a_cancel_survives_death_at_any_side_effect(new_world: NewWorld) -> None:
    unharmed = Death()
    _cancel_in_training(new_world(), unharmed)
    assert "cancel_job" in unharmed.seen
    for death in deaths(unharmed):
        _cancel_in_training(new_world(), death)


def _cancel_in_training(world: World, death: Death) -> None:
    world.provider.cancels_at_once = False
    item = world.submit(**world.with_evaluation("one"))
    world.drive_to(item, RunStage.TRAINING)
    assert world.ports.items.ask([item], Asked.CANCEL) == [True]
    live_until_killed(world, death, lambda: world.ended(item))
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.CANCELLED, death.at
    assert all(job.status.is_terminal for job in world.provider.jobs.values())
    check_bought_once(world, [item])

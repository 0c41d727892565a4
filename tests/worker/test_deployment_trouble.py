"""Deployments where something goes wrong again and again: nothing is left standing for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, refusal

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.deployment import Deployment, deployment_id, named_deployments
from tuneq_shared.domain.evaluation import Shard
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import DeploymentStage, RunStage
from tuneq_shared.domain.record import document, fixed_part, load
from tuneq_shared.ports.items import NewItem
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.stage import Wait
from tuneq_worker.retention.pruning import let_go
from tuneq_worker.stages.deploy import deploy
from tuneq_worker.stages.release import release

BASE = deployment_id(ACCOUNT, MODEL)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return deploying(redis_url, store_prefix, tmp_path)


def deploying(redis_url: str, prefix: str, folder: Path, **deadlines: float) -> World:
    made = World(
        redis_url,
        prefix,
        folder,
        capabilities=Capabilities(deployment=True),
        deadlines=Deadlines(**deadlines),
    )
    made.provider.deploys = True
    return made


def wanted(model: str = "ft:x", stage: DeploymentStage = DeploymentStage.PENDING) -> Deployment:
    key = deployment_id(ACCOUNT, model).key
    return Deployment(id=key, stage=stage, account=ACCOUNT, model=model)


def share(world: World, deployment: Deployment, subscriber: str) -> None:
    """As an evaluation does that needs it."""
    new = NewItem(
        item=deployment.item,
        stage=deployment.stage,
        fixed=fixed_part(deployment),
        doc=document(deployment),
    )
    world.ports.items.join(new, subscriber, [])


def kept(world: World, item: ItemId) -> Deployment:
    return load(world.record(item), Deployment)


def stubborn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one that is to be removed is never removed, whoever asks."""
    remove, first = world.provider.remove_deployment, list[str]()

    def remove_or_not(remote_id: str) -> None:
        first.append(remote_id)
        if remote_id == first[0]:
            raise refusal(ErrorKind.BAD_REQUEST)
        remove(remote_id)

    monkeypatch.setattr(world.provider, "remove_deployment", remove_or_not)


def test_one_that_cannot_be_removed_keeps_no_other_standing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = replace(wanted(stage=DeploymentStage.RELEASING), intent_at=1.0)
    for _ in range(3):
        world.provider.deploy(item.model, item.name)
    stubborn(world, monkeypatch)
    result = release(item, world.ports, FakeLease())
    assert isinstance(result, Wait)
    assert result.item.trouble
    assert len(world.provider.standing()) == 1


def test_what_is_known_is_removed_though_nothing_can_be_listed(world: World) -> None:
    item = wanted(stage=DeploymentStage.RELEASING)
    made = world.provider.deploy(item.model, item.name)
    world.provider.goes_wrong("find_deployments", refusal(ErrorKind.MALFORMED))
    result = release(replace(item, remote_id=made.id), world.ports, FakeLease())
    assert isinstance(result, Wait)
    assert world.provider.standing() == []


def test_what_was_doubled_and_stays_spoils_no_evaluation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = wanted()
    for _ in range(3):
        world.provider.deploy(item.model, item.name)
    stubborn(world, monkeypatch)
    result = deploy(item, world.ports, FakeLease())
    assert result.item.stage is DeploymentStage.READY
    assert len(world.provider.standing()) == 2


def test_one_that_goes_each_time_before_it_answers_is_not_asked_for_for_ever(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = deploying(redis_url, store_prefix, tmp_path, deployment_s=1e-3)
    world.provider.first_state = DeploymentState.GONE
    item = world.submit(**world.with_evaluation("first"))
    world.drive_to_end(item)
    failure = world.run(item).failure
    assert failure is not None
    assert "goes away each time" in failure.message


def test_a_run_does_not_wait_for_what_others_need(world: World) -> None:
    share(world, wanted(MODEL), "evaluation:" + "0" * 32)
    item = world.submit(**world.with_evaluation("first"))
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.SUCCEEDED
    assert kept(world, BASE).stage is DeploymentStage.READY


@pytest.mark.parametrize("told", [0.0, -62135596800.0])
def test_a_time_that_means_none_costs_nothing(world: World, told: float) -> None:
    item = wanted()
    made = world.provider.deploy(item.model, item.name)
    world.provider.deployments[made.id] = replace(made, created_at=told)
    lease = FakeLease()
    assert deploy(item, world.ports, lease).item.stands_since == lease.now


def test_what_answered_by_itself_and_does_not_any_more_is_deployed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    share(world, wanted(MODEL), "evaluation:" + "0" * 32)
    world.drive(lambda: kept(world, BASE).stage is DeploymentStage.READY)
    monkeypatch.setattr(world.provider, "serves", lambda _: None)
    world.drive(lambda: kept(world, BASE).remote_id is not None)
    assert kept(world, BASE).handle == f"deployed:{MODEL}"


def test_hours_outlive_the_stay_in_redis(world: World) -> None:
    run = world.run(world.submit(**world.with_evaluation("first")))
    world.drive_to_end(run.item)
    model = world.run(run.item).fine_tuned_model or ""
    item = deployment_id(ACCOUNT, model)
    world.drive(lambda: kept(world, item).stage is DeploymentStage.RELEASED)
    key = f"{world.prefix}:item:{item}"
    world.redis.hset(key, "doc", orjson.dumps(document(replace(kept(world, item), stood_s=7200.0))))
    assert let_go(world.ports, -1.0)[Kind.DEPLOYMENT]
    assert not world.redis.exists(key)
    again = world.submit(
        **world.with_evaluation("again", baselines=[{"model": model}], max_tokens=3)
    )
    world.drive_to_end(again)
    assert kept(world, item).stood_s > 7200


def test_a_name_that_only_begins_like_ours_is_somebody_elses() -> None:
    for name in ("tuneq-production", "tuneq-", f"tuneq-{'a' * 21}", f"tuneq-{'a' * 20}\n"):
        assert named_deployments([ACCOUNT], name) == []


def test_a_later_try_has_as_much_patience_with_a_model_that_is_not_found(world: World) -> None:
    answer = world.provider.chat.answer

    def answer_or_not(model: str, messages: Any) -> Any:
        if model.startswith("deployed:"):
            raise refusal(ErrorKind.NOT_FOUND)
        return answer(model, messages)

    world.provider.chat.answer = answer_or_not
    item = world.submit(**world.with_evaluation("first"))
    world.drive_to_end(item)
    assert world.run(item).stage is RunStage.FAILED
    assert {load(record, Shard).attempts for record in world.items_of(Kind.SHARD)} == {0}


def test_one_that_was_not_found_once_is_not_forgotten(world: World) -> None:
    item, subscriber = wanted().item, "evaluation:" + "0" * 32
    share(world, wanted(), subscriber)
    world.drive(lambda: kept(world, item).stage is DeploymentStage.READY)
    world.provider.unlisted.add("deployment-1")
    world.provider.goes_wrong("deployment", refusal(ErrorKind.NOT_FOUND))
    world.drive(lambda: kept(world, item).stage is not DeploymentStage.READY)
    world.ports.items.leave(item, subscriber)
    world.provider.unlisted.clear()
    world.drive(lambda: kept(world, item).stage is DeploymentStage.RELEASED)
    assert world.provider.standing() == []


@pytest.mark.parametrize("kind", [ErrorKind.CAPACITY, ErrorKind.QUOTA])
def test_what_found_no_room_for_long_has_as_long_to_become_ready(
    world: World, kind: ErrorKind
) -> None:
    world.provider.first_state = DeploymentState.PENDING
    world.provider.goes_wrong("deploy", refusal(kind))
    lease = FakeLease()
    refused = deploy(wanted(), world.ports, lease).item
    later = FakeLease(now=lease.now + 10_000)
    assert deploy(refused, world.ports, later).item.stage is DeploymentStage.STARTING

"""Deployments: made once however many need them, and taken away by the last, whatever happens."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, World, refusal

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.deployment import Deployment, deployment_id, named_deployments
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import DeploymentStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.deployments import DeploymentState

DEPLOYS = Capabilities(deployment=True)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return deploying(redis_url, store_prefix, tmp_path)


def deploying(redis_url: str, prefix: str, folder: Path, **settings: Any) -> World:
    made = World(redis_url, prefix, folder, capabilities=DEPLOYS, **settings)
    made.provider.deploys = True
    return made


def deployments(world: World) -> list[Deployment]:
    return [load(record, Deployment) for record in world.items_of(Kind.DEPLOYMENT)]


def tuned(world: World) -> Deployment:
    (found,) = (each for each in deployments(world) if each.model.startswith("ft:"))
    return found


def all_ended(world: World) -> bool:
    stages = {DeploymentStage.RELEASED, DeploymentStage.FAILED}
    return bool(deployments(world)) and all(d.stage in stages for d in deployments(world))


def evaluated(world: World, name: str = "first", **fields: Any) -> ItemId:
    return world.submit(**world.with_evaluation(name, **fields))


def carried(world: World, item: ItemId) -> Run:
    world.drive_to_end(item)
    return world.run(item)


def until_stage(world: World, stage: DeploymentStage) -> None:
    def reached() -> bool:
        return any(d.stage is stage and d.model.startswith("ft:") for d in deployments(world))

    world.drive(reached)


def test_a_tuned_model_is_deployed_asked_and_removed(world: World) -> None:
    run = carried(world, evaluated(world))
    assert run.stage is RunStage.SUCCEEDED
    world.drive(lambda: all_ended(world))
    asked = {model for model, _ in world.provider.chat.asked}
    assert asked == {MODEL, f"deployed:{run.fine_tuned_model}"}
    assert world.provider.count("deploy") == 1
    assert world.provider.standing() == []
    assert {d.stage for d in deployments(world)} == {DeploymentStage.RELEASED}


def test_a_run_ends_when_its_model_stands_no_more(world: World) -> None:
    item = evaluated(world)
    world.provider.goes_wrong("remove_deployment", *[refusal(ErrorKind.SERVER)] * 10)
    world.drive(lambda: bool(world.provider.count("remove_deployment")))
    run = world.run(item)
    assert run.stage is RunStage.EVALUATING
    assert run.waiting is not None
    assert "is being removed" in run.waiting.reason
    assert carried(world, item).stage is RunStage.SUCCEEDED
    assert world.provider.standing() == []


def test_several_evaluations_share_one(world: World) -> None:
    runs = [evaluated(world, "one")]
    world.drive(lambda: bool(world.provider.deployments))
    model = world.run(runs[0]).fine_tuned_model
    world.provider.set_deployment(DeploymentState.PENDING)
    item = deployment_id(ACCOUNT, model or "")
    assert world.redis.scard(f"{world.prefix}:members:{item}") == 1
    other = evaluated(world, "two", max_tokens=7)  # its own run, so its own model
    carried(world, other)
    world.provider.set_deployment(DeploymentState.READY)
    for run in runs:
        carried(world, run)
    world.drive(lambda: all_ended(world))
    assert world.provider.count("deploy") == 2
    assert world.provider.standing() == []


def test_nothing_is_asked_before_it_is_ready(world: World) -> None:
    world.provider.first_state = DeploymentState.PENDING
    item = evaluated(world)
    until_stage(world, DeploymentStage.STARTING)
    for _ in range(5):
        world.round()
    assert {model for model, _ in world.provider.chat.asked} == {MODEL}
    world.provider.set_deployment(DeploymentState.READY)
    assert carried(world, item).stage is RunStage.SUCCEEDED


def test_where_none_is_needed_none_is_made(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = World(redis_url, store_prefix, tmp_path)
    assert carried(world, evaluated(world)).stage is RunStage.SUCCEEDED
    assert deployments(world) == []
    assert world.provider.count("serves") == 0


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("kind", [ErrorKind.NETWORK, ErrorKind.SERVER, ErrorKind.MALFORMED])
def test_after_an_answer_that_was_lost_none_is_made_twice(
    world: World, kind: ErrorKind, done: bool
) -> None:
    world.provider.goes_wrong("deploy", refusal(kind), done=done)
    assert carried(world, evaluated(world)).stage is RunStage.SUCCEEDED
    world.drive(lambda: all_ended(world))
    assert len(world.provider.deployments) == 1


def test_one_that_shows_late_is_awaited_within_the_grace(world: World) -> None:
    provider = world.provider
    provider.unlisted.add("deployment-1")
    world.provider.goes_wrong("deploy", refusal(ErrorKind.NETWORK), done=True)
    item = evaluated(world)
    world.drive(lambda: bool(provider.deployments))
    for _ in range(5):
        world.round(grace=False)
    provider.unlisted.clear()
    assert carried(world, item).stage is RunStage.SUCCEEDED
    assert len(provider.deployments) == 1


def test_what_was_doubled_is_removed(world: World) -> None:
    provider = world.provider
    provider.unlisted.add("deployment-1")
    provider.goes_wrong("deploy", refusal(ErrorKind.NETWORK), done=True)
    item = evaluated(world)
    world.drive(lambda: len(provider.deployments) == 2)  # past its grace
    provider.unlisted.clear()
    assert carried(world, item).stage is RunStage.SUCCEEDED
    world.drive(lambda: all_ended(world))
    assert provider.standing() == []


@pytest.mark.parametrize("stage", [DeploymentStage.STARTING, DeploymentStage.READY])
def test_cancel_takes_it_away(world: World, stage: DeploymentStage) -> None:
    if stage is DeploymentStage.STARTING:
        world.provider.first_state = DeploymentState.PENDING
    item = evaluated(world)
    until_stage(world, stage)
    world.ports.items.ask([item], Asked.CANCEL)
    assert carried(world, item).stage is RunStage.CANCELLED
    world.drive(lambda: all_ended(world))
    assert world.provider.standing() == []


def test_one_that_fails_is_removed_and_told(world: World) -> None:
    world.provider.first_state = DeploymentState.FAILED
    run = carried(world, evaluated(world))
    assert run.stage is RunStage.FAILED
    assert run.failure is not None
    assert "no reason given" in run.failure.message
    assert tuned(world).stage is DeploymentStage.FAILED
    assert world.provider.standing() == []


def test_a_retry_deploys_anew(world: World) -> None:
    world.provider.first_state = DeploymentState.FAILED
    item = evaluated(world)
    carried(world, item)
    world.provider.first_state = DeploymentState.READY
    world.retry(item)
    assert carried(world, item).stage is RunStage.SUCCEEDED
    world.drive(lambda: all_ended(world))
    assert world.provider.standing() == []


def test_one_that_is_never_ready_is_removed(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    deadlines = Deadlines(deployment_s=1e-3)
    world = deploying(redis_url, store_prefix, tmp_path, deadlines=deadlines)
    world.provider.first_state = DeploymentState.PENDING
    run = carried(world, evaluated(world))
    assert run.stage is RunStage.FAILED
    assert tuned(world).failure is not None
    assert "asked for at" in tuned(world).failure.message  # type: ignore[union-attr]  # above
    assert world.provider.standing() == []


def test_a_refusal_fails_without_a_look_for_ever(world: World) -> None:
    world.provider.goes_wrong("deploy", refusal(ErrorKind.BAD_REQUEST))
    run = carried(world, evaluated(world))
    assert run.stage is RunStage.FAILED
    assert world.provider.standing() == []


def test_a_removal_is_tried_until_it_is_done(world: World) -> None:
    world.provider.goes_wrong("remove_deployment", *[refusal(ErrorKind.BAD_REQUEST)] * 40)
    assert carried(world, evaluated(world)).stage is RunStage.SUCCEEDED
    world.drive(lambda: all_ended(world))
    assert world.provider.standing() == []


@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.QUOTA])
def test_a_stopped_account_keeps_nothing_standing_that_nobody_needs(
    world: World, kind: ErrorKind
) -> None:
    item = evaluated(world)
    until_stage(world, DeploymentStage.READY)
    world.provider.goes_wrong("deployment", refusal(kind))
    for _ in range(5):
        world.round()
    world.ports.items.ask([item], Asked.CANCEL)
    assert carried(world, item).stage is RunStage.CANCELLED
    world.drive(lambda: all_ended(world))
    assert world.provider.standing() == []


def test_one_that_others_took_away_is_made_anew(world: World) -> None:
    world.provider.first_state = DeploymentState.PENDING
    item = evaluated(world)
    until_stage(world, DeploymentStage.STARTING)
    world.provider.set_deployment(DeploymentState.GONE)
    world.provider.first_state = DeploymentState.READY
    assert carried(world, item).stage is RunStage.SUCCEEDED
    assert world.provider.count("deploy") == 2


def test_a_model_that_stops_answering_is_deployed_again(world: World) -> None:
    item = evaluated(world)
    answer = world.provider.chat.answer
    lost: list[str] = []

    def answer_or_not(model: str, messages: Any) -> Any:
        if model.startswith("deployed:") and not lost:
            lost.append(model)
            world.provider.set_deployment(DeploymentState.GONE)
        if model.startswith("deployed:") and not world.provider.standing():
            raise refusal(ErrorKind.NOT_FOUND)
        return answer(model, messages)

    world.provider.chat.answer = answer_or_not
    run = carried(world, item)
    assert run.stage is RunStage.SUCCEEDED
    assert world.provider.count("deploy") == 2


def test_its_time_is_added_up(world: World) -> None:
    item = evaluated(world)
    until_stage(world, DeploymentStage.READY)
    record = world.items_of(Kind.DEPLOYMENT)
    (ready,) = (load(r, Deployment) for r in record if load(r, Deployment).remote_id)
    assert ready.stands_since is not None
    assert ready.stood(ready.stands_since + 5400) == pytest.approx(1.5)
    carried(world, item)
    world.drive(lambda: all_ended(world))
    assert tuned(world).stands_since is None
    assert tuned(world).stood_s > 0


def test_what_is_started_again_counts_from_then_on(world: World) -> None:
    world.provider.first_state = DeploymentState.PENDING
    evaluated(world)
    until_stage(world, DeploymentStage.STARTING)
    world.provider.set_deployment(DeploymentState.GONE)
    asked = world.provider.deploy
    world.provider.deploy = lambda *a: replace(asked(*a), created_at=1.0)  # type: ignore[method-assign]  # the fake
    world.drive(lambda: world.provider.count("deploy") == 2)
    until_stage(world, DeploymentStage.STARTING)
    assert tuned(world).stands_since == tuned(world).asked_at


def test_its_name_tells_its_item() -> None:
    item = deployment_id("lab", "ft:x")
    deployment = Deployment(id=item.key, stage=DeploymentStage.PENDING, account="lab", model="ft:x")
    assert deployment.item == item
    assert named_deployments(["lab"], deployment.name) == [item]
    assert named_deployments(["lab"], "somebody-elses") == []
    assert deployment_id("other", "ft:x").key.rpartition("/")[2] not in deployment.name


def test_an_evaluation_that_ends_leaves_it(world: World) -> None:
    item = evaluated(world)
    world.provider.chat.answer = lambda _m, _msgs: (_ for _ in ()).throw(
        refusal(ErrorKind.BAD_REQUEST)
    )
    run = carried(world, item)
    assert run.stage is RunStage.FAILED
    world.drive(lambda: all_ended(world))
    assert world.provider.standing() == []

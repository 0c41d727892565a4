"""Who answers: the model itself, or what is deployed for it while evaluations need it."""

from dataclasses import replace
from typing import TypeVar

from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec, Shard
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.domain.record import document, fixed_part, load
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.joining import join_or_bring_back
from tuneq_shared.ports.items import NewItem
from tuneq_worker.ports.stage import Fail, Ports, Sleep, StageResult

ItemT = TypeVar("ItemT", Evaluation, Shard)

_FAILED, _RELEASED = DeploymentStage.FAILED, DeploymentStage.RELEASED


def needs_deployment(spec: EvaluationSpec, ports: Ports) -> bool:
    """Whether a model of its account may have to be deployed before it answers."""
    return ports.settings.account(spec.account)[1].capabilities.deployment


def until_deployed(evaluation: Evaluation, ports: Ports) -> StageResult[Evaluation] | None:
    """Share the model's deployment; what to do until it answers, and none once it does."""
    spec = evaluation.spec
    if not needs_deployment(spec, ports):
        return None
    # What failed for another evaluation, at another time, is no answer to this one.
    revive_from = [_RELEASED, *([] if evaluation.deploying else [_FAILED])]
    join_or_bring_back(
        ports.items, ports.archive, _new_deployment(spec), str(evaluation.item), revive_from
    )
    deployment = _read(spec, ports)
    if deployment.stage is DeploymentStage.READY:
        return None
    if deployment.stage is _FAILED:
        return Fail(evaluation, _why(deployment))
    return _sleep(replace(evaluation, deploying=True), deployment, ports)


def called(shard: Shard, ports: Ports) -> str | StageResult[Shard]:
    """What chat calls the shard's model; or what to do while it does not answer."""
    if not needs_deployment(shard.spec, ports):
        return shard.spec.model
    deployment = _read(shard.spec, ports)
    if deployment.stage is DeploymentStage.READY and deployment.handle is not None:
        return deployment.handle
    if deployment.stage in {_FAILED, _RELEASED}:
        return Fail(shard, _why(deployment))
    return _sleep(shard, deployment, ports)


def look_again(spec: EvaluationSpec, ports: Ports) -> None:
    """Have the deployment looked at, for its model was not found."""
    ports.items.wake([deployment_id(spec.account, spec.model)])


def _new_deployment(spec: EvaluationSpec) -> NewItem:
    wanted = Deployment(
        id=deployment_id(spec.account, spec.model).key,
        stage=DeploymentStage.PENDING,
        account=spec.account,
        model=spec.model,
    )
    return NewItem(
        item=wanted.item, stage=wanted.stage, fixed=fixed_part(wanted), doc=document(wanted)
    )


def _read(spec: EvaluationSpec, ports: Ports) -> Deployment:
    item = deployment_id(spec.account, spec.model)
    (record,) = ports.catalogue.read([item])
    if record is None:
        raise LookupError(f"{item} vanished from Redis while it was looked at")
    return load(record, Deployment)


def _sleep(item: ItemT, deployment: Deployment, ports: Ports) -> StageResult[ItemT]:
    # It wakes its sleepers when it is looked at: it may have become ready a moment ago.
    ports.items.wake([deployment.item])
    waiting = Waiting(WaitKind.DEPLOYMENT, deployment.id, f"{deployment.model} is being deployed")
    return Sleep(item, deployment.item, waiting)


def _why(deployment: Deployment) -> Failure:
    return deployment.failure or Failure("not_deployed", f"{deployment.model} is not deployed")

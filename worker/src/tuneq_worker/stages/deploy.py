"""A deployment's own stages: make a model callable once, however many evaluations need it."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.ports.items import Asked
from tuneq_worker.deadlines import deadlines_of, stuck_deployment
from tuneq_worker.intents import LOOK_AGAIN_S, in_grace, new_intent
from tuneq_worker.ports.deployments import DeploymentState, Models, RemoteDeployment
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import recover, with_attempt

log = logging.getLogger(__name__)

_LOOKS = 5  # in vain, for one that was there
_READY_LOOK_S = 60.0  # whether it still stands, and who has gone to sleep on it meanwhile


def deploy(
    deployment: Deployment, ports: Ports, lease: Lease[Deployment]
) -> StageResult[Deployment]:
    """Take what answers by itself or stands already, or ask for a deployment, once.

    As with a purchase, the listing is looked at before every POST, and what is about to be asked
    for is written down: after an answer that was lost nothing is asked for before it must show.
    """
    if lease.asked is Asked.CANCEL:
        return _to_be_released(deployment)
    provider = ports.accounts.provider(deployment.account)
    asked_at = lease.now if deployment.asked_at is None else deployment.asked_at
    deployment = replace(deployment, asked_at=asked_at)
    found = provider.find_deployments(deployment.name)
    if found:
        chosen = _one_of(found, provider)
        return _follow(deployment, chosen, ports, lease.now)
    if in_grace(deployment.intent_at, ports, lease):
        return Wait(deployment, LOOK_AGAIN_S)
    handle = provider.serves(deployment.model)
    if handle is not None:
        ready = replace(deployment, stage=DeploymentStage.READY, handle=handle)
        return Advance(replace(ready, intent_at=None, asked_at=None))
    return _ask_for(deployment, provider, ports, lease)


def _ask_for(
    deployment: Deployment, provider: Models, ports: Ports, lease: Lease[Deployment]
) -> StageResult[Deployment]:
    deployment = replace(deployment, intent_at=new_intent(ports, lease))
    lease.save(deployment)
    try:
        made = provider.deploy(deployment.model, deployment.name, lease.require)
    except ProviderError as error:
        if not error.ambiguous:
            refused = replace(deployment, intent_at=None, asked_at=None)
            return recover(refused, deployment.account, error)
        # The grace begins when it is over.
        unclear = replace(deployment, intent_at=new_intent(ports, lease))
        return recover(unclear, deployment.account, error)
    return _follow(deployment, made, ports, lease.now)


def await_answer(
    deployment: Deployment, ports: Ports, lease: Lease[Deployment]
) -> StageResult[Deployment]:
    """Look whether the model answers by now, which may not take for ever."""
    if lease.asked is Asked.CANCEL:
        return _to_be_released(deployment)
    try:
        found = ports.accounts.provider(deployment.account).deployment(deployment.remote_id or "")
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        # A new one may take a while to show.
        if deployment.attempts < _LOOKS:
            return Wait(with_attempt(deployment), LOOK_AGAIN_S)
        return _gone(deployment, ports, lease.now)
    return _follow(deployment, found, ports, lease.now)


def keep(deployment: Deployment, ports: Ports, lease: Lease[Deployment]) -> StageResult[Deployment]:
    """Wake who waited for it, and look now and then whether it still stands."""
    if lease.asked is Asked.CANCEL:
        return _to_be_released(deployment)
    ports.items.wake(ports.items.parked_on(deployment.item))
    provider = ports.accounts.provider(deployment.account)
    if deployment.remote_id is None:  # it answers by itself
        handle = provider.serves(deployment.model)
        if handle is None:
            return _gone(deployment, ports, lease.now)
        return Wait(replace(deployment, handle=handle, attempts=0), _READY_LOOK_S)
    try:
        found = provider.deployment(deployment.remote_id)
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return _gone(deployment, ports, lease.now)
    if found.state is DeploymentState.READY:
        ready = replace(deployment, handle=found.handle, attempts=0)
        return Wait(ready, _READY_LOOK_S)
    return _follow(deployment, found, ports, lease.now)


def _follow(
    deployment: Deployment, found: RemoteDeployment, ports: Ports, now: float
) -> StageResult[Deployment]:
    told = found.created_at or 0.0
    # One that is started again was made long ago. Some tell the beginning of time for "unknown".
    since = min(max(told, deployment.asked_at or 0.0), now) if told > 0 else now
    deployment = replace(
        deployment,
        remote_id=found.id,
        intent_at=None,
        attempts=0,
        stands_since=since if deployment.stands_since is None else deployment.stands_since,
    )
    match found.state:
        case DeploymentState.READY:
            ready = replace(deployment, stage=DeploymentStage.READY, handle=found.handle)
            return Advance(replace(ready, asked_at=None, failure=None))
        case DeploymentState.GONE:
            return _gone(deployment, ports, now)
        case DeploymentState.FAILED:
            words = f"{found.id} is {found.raw_state}: {found.detail or 'no reason given'}"
            return _in_vain(deployment, Failure("deployment_failed", words))
        case DeploymentState.PENDING:
            if overdue := stuck_deployment(
                deployment, found, deadlines_of(deployment.account, ports.settings), now
            ):
                return _in_vain(deployment, overdue)
            asked_at = now if deployment.asked_at is None else deployment.asked_at
            starting = replace(deployment, stage=DeploymentStage.STARTING, asked_at=asked_at)
            return Wait(replace(starting, handle=None), LOOK_AGAIN_S)


def _gone(deployment: Deployment, ports: Ports, now: float) -> StageResult[Deployment]:
    """It was taken away by others: it is wanted still, so it is made anew.

    What was not found may stand all the same: it is looked for as after an answer that was lost.
    One that goes each time before it has answered is not asked for without end.
    """
    anew = replace(
        settled(deployment, now),
        stage=DeploymentStage.PENDING,
        intent_at=now if deployment.may_stand else None,
        asked_at=deployment.asked_at,  # none, where it has answered
    )
    limit_s = deadlines_of(deployment.account, ports.settings).deployment_s
    if anew.asked_at is not None and now - anew.asked_at >= limit_s:
        words = f"{deployment.name} goes away each time before it answers"
        return Fail(anew, Failure("deployment_not_ready", words, deployment.stage))
    return Wait(anew, LOOK_AGAIN_S)


def settled(deployment: Deployment, now: float) -> Deployment:
    """The deployment after nothing of it stands any more, its time added up."""
    return replace(
        deployment,
        remote_id=None,
        handle=None,
        intent_at=None,
        asked_at=None,
        stands_since=None,
        stood_s=deployment.stood(now) * 3600,
        trouble="",
        attempts=0,
    )


def _to_be_released(deployment: Deployment) -> StageResult[Deployment]:
    releasing = replace(deployment, stage=DeploymentStage.RELEASING, failure=None, attempts=0)
    return Advance(releasing, answered=Asked.CANCEL)


def _in_vain(deployment: Deployment, failure: Failure) -> StageResult[Deployment]:
    """It will never answer, but may cost: it is removed before it is told to have failed."""
    failure = replace(failure, stage=deployment.stage)
    return Advance(
        replace(deployment, stage=DeploymentStage.RELEASING, failure=failure, attempts=0)
    )


def _one_of(found: Sequence[RemoteDeployment], provider: Models) -> RemoteDeployment:
    """The oldest that may answer; of what an answer that was lost has doubled, the rest goes."""
    usable = [each for each in found if each.state is not DeploymentState.FAILED] or found
    chosen = min(usable, key=lambda each: each.created_at or 0.0)
    trouble = removed((other.id for other in found if other.id != chosen.id), provider)
    if trouble is not None:  # they bear its name, and go with it
        log.warning("what was doubled of %s cannot be removed yet: %s", chosen.name, trouble)
    return chosen


def removed(remote_ids: Iterable[str], provider: Models) -> ProviderError | None:
    """Ask for the removal of each, whatever comes of the others; the last error."""
    trouble = None
    for remote_id in remote_ids:
        try:
            provider.remove_deployment(remote_id)
        except ProviderError as error:
            trouble = error
    return trouble

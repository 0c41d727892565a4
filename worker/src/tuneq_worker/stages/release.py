"""Releasing: what was deployed is taken away, whatever it takes, for it may cost by the hour."""

import logging
from dataclasses import replace

from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_worker.intents import LOOK_AGAIN_S, in_grace
from tuneq_worker.policy import backoff_s
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import with_attempt
from tuneq_worker.stages.deploy import removed, settled

log = logging.getLogger(__name__)


def release(
    deployment: Deployment, ports: Ports, lease: Lease[Deployment]
) -> StageResult[Deployment]:
    """Remove all that bears its name, and stay until none of it is seen any more.

    It is tried for as long as it is refused, also while the account is stopped.
    """
    if not deployment.may_stand:  # the model answered by itself
        return Advance(_ended(deployment, lease.now))
    provider = ports.accounts.provider(deployment.account)
    try:
        going_on = _still_there(deployment, provider)
    except ProviderError as error:
        log.warning("%s cannot be removed: %s", deployment.name, error)
        delay = error.retry_after_s or backoff_s(error.kind, deployment.attempts)
        troubled = replace(deployment, trouble=f"{error.code}: {error.message}")
        return Wait(with_attempt(troubled), delay)
    deployment = replace(deployment, trouble="")
    if going_on or in_grace(deployment.intent_at, ports, lease):
        return Wait(deployment, LOOK_AGAIN_S)
    if deployment.failure is not None:
        return Fail(settled(deployment, lease.now), deployment.failure)
    return Advance(_ended(deployment, lease.now))


def _ended(deployment: Deployment, now: float) -> Deployment:
    return replace(settled(deployment, now), stage=DeploymentStage.RELEASED)


def _still_there(deployment: Deployment, provider: Provider) -> bool:
    """Ask for the removal of all that stands, whatever comes of each; whether some still does."""
    known = [] if deployment.remote_id is None else [deployment.remote_id]
    trouble = removed(known, provider)  # first: the listing may go wrong
    found = [each.id for each in provider.find_deployments(deployment.name)]
    others = [remote_id for remote_id in found if remote_id not in known]
    trouble = removed(others, provider) or trouble
    if trouble is not None:
        raise trouble
    return any(_stands(remote_id, provider) for remote_id in (*known, *others))


def _stands(remote_id: str, provider: Provider) -> bool:
    try:
        return provider.deployment(remote_id).state is not DeploymentState.GONE
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return False
        raise

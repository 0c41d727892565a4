"""Asking a model once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.domain.record import load
from tuneq_worker.calling import call_with_leave
from tuneq_worker.evaluation.samples import estimated_tokens
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat, Completion, ProviderError
from tuneq_worker.ports.stage import Ports
from tuneq_worker.prompting.targets import Target, Targets

TIMEOUT = "timeout"
"""The code of an answer that did not come in time."""

_ASKER = "ask"  # by which the limiter tells it from evaluations


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What is asked, and how."""

    messages: Sequence[Mapping[str, Any]]
    max_tokens: int
    temperature: float
    timeout_s: float  # of each model


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model said, or why it said nothing."""

    target: Target
    completion: Completion | None = None
    latency_s: float | None = None
    error: Failure | None = None


def ask(target: Target, targets: Targets, prompt: Prompt, ports: Ports) -> Answer:
    """Ask a model once, within the limits that the fleet keeps to. Nothing is deployed for it.

    Raises:
        ConfigurationError: the account's key is not here.
    """
    try:
        called = _called(target.model, targets.account, ports)
        if called is None:
            return Answer(target=target, error=_not_deployed(target.model, targets, ports))
        completion, latency_s = ports.lane.run(
            targets.account, called, lambda chat, pace: _once(chat, pace, called, prompt)
        )
    except ProviderError as error:
        return Answer(target=target, error=Failure(error.code, _words(error, targets)))
    except TimeoutError:
        words = f"no answer within {prompt.timeout_s:g} s"
        return Answer(target=target, error=Failure(TIMEOUT, words))
    return Answer(target=target, completion=completion, latency_s=latency_s)


async def _once(chat: Chat, pace: Pace, model: str, prompt: Prompt) -> tuple[Completion, float]:
    async with asyncio.timeout(prompt.timeout_s):
        tokens = estimated_tokens(prompt.messages) + prompt.max_tokens
        permit = await pace.permit(_ASKER, tokens, lambda: True)
        if permit is None:
            raise TimeoutError
        parameters = {"max_tokens": prompt.max_tokens, "temperature": prompt.temperature}
        return await call_with_leave(
            chat, pace, permit, model, messages=prompt.messages, parameters=parameters
        )


def _called(model: str, account: str, ports: Ports) -> str | None:
    """What chat calls the model; none while nothing answers for it."""
    if not ports.settings.account(account)[1].capabilities.deployment:
        return model
    served = ports.accounts.provider(account).serves(model)
    if served is not None:
        return served
    ours = _deployment(model, account, ports)
    return ours.handle if ours and ours.stage is DeploymentStage.READY else None


def _deployment(model: str, account: str, ports: Ports) -> Deployment | None:
    (record,) = ports.catalogue.read([deployment_id(account, model)])
    return load(record, Deployment) if record is not None else None


def _not_deployed(model: str, targets: Targets, ports: Ports) -> Failure:
    ours = _deployment(model, targets.account, ports)
    if ours and ours.stage in {DeploymentStage.PENDING, DeploymentStage.STARTING}:
        return Failure("not_deployed", f"{model} is being deployed for an evaluation: ask later")
    return Failure(
        "not_deployed",
        f"{model} must be deployed before it answers, and this command deploys nothing, for that "
        f"costs by the hour: deploy it at account {targets.account}, or ask while an evaluation "
        "of it is under way",
    )


def _words(error: ProviderError, targets: Targets) -> str:
    if error.kind is ErrorKind.NOT_FOUND and targets.no_run:
        return f"{error.message} (and there is {targets.no_run})"
    wait = f"; ask again in {error.retry_after_s:.0f} s" if error.retry_after_s else ""
    return error.message + wait

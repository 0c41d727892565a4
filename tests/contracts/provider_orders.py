"""What the contract asks of a provider again and again."""

import asyncio
import io
import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.contracts.provider_benches import DEADLINE_S, Bench
from tests.sandbox.provider_server import chat_lines

from tuneq_shared.domain.request import Hyperparameters, Method, Supervised
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import Completion, FileState, Job, JobSpec, JobStatus, Provider

LINES = chat_lines(20)
_FRESH = itertools.count(20, 20)
QUICK = Hyperparameters(n_epochs=3, batch_size=4)  # 15 steps
LONG = Hyperparameters(n_epochs=50, batch_size=1)  # 1,000 steps: longer than any test waits
USER = [{"role": "user", "content": "Question: Which is a colour?\nOptions:(A) red (B) nine"}]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


def fresh_lines() -> bytes:
    """Lines that nothing was uploaded with before: some providers keep equal contents once."""
    return chat_lines(20, offset=next(_FRESH))


def upload(provider: Provider, content: bytes = LINES, name: str = "train.jsonl") -> str:
    file = provider.upload(name, io.BytesIO(content))
    wait_for(lambda: provider.file(file.id).state is not FileState.PENDING, "file is processed")
    return file.id


def spec(bench: Bench, training_file: str, **changes: Any) -> JobSpec:
    fields: dict[str, Any] = {
        "model": bench.base_model,
        "training_file": training_file,
        "validation_file": None,
        "method": Method(supervised=Supervised(hyperparameters=QUICK)),
        "suffix": None,
        "seed": 1,
        "purchase": f"{uuid.uuid4().hex}/1",
    }
    return JobSpec(**{**fields, **changes})


def follow(provider: Provider, job: Job) -> tuple[Job, list[JobStatus]]:
    seen: list[JobStatus] = []

    def ended() -> bool:
        seen.append(provider.sweep([job.id])[0].status)
        return seen[-1].is_terminal

    wait_for(ended, "job ends")
    return provider.job(job.id), seen


def made_callable(provider: Provider, model: str) -> str:
    """What chat calls a model, deployed if it has to be."""
    served = provider.serves(model)
    if served is not None:
        return served
    name = f"tuneq-{uuid.uuid4().hex[:20]}"
    made = provider.deploy(model, name)
    ready = DeploymentState.READY
    wait_for(lambda: provider.deployment(made.id).state is ready, "a deployed model answers")
    return provider.deployment(made.id).handle


def ask(provider: Provider, model: str, times: int = 1) -> list[Completion]:
    async def main() -> list[Completion]:
        async with provider.open_chat(in_flight=times) as chat:
            calls = [chat.complete(model, USER, {"max_tokens": 8}) for _ in range(times)]
            return await asyncio.gather(*calls)

    return asyncio.run(main())

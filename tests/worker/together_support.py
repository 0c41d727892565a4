"""A scripted server that speaks Together, and the adapter for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, Reply, ScriptedServer

from tuneq_shared.domain.request import Hyperparameters, Method, Supervised
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import JobSpec
from tuneq_worker.providers.together.adapter import TogetherProvider

JOBS = "/v1/fine-tunes"
ENDPOINTS = "/v2/projects/proj/endpoints"
Replies = dict[tuple[str, str], Any]


def together(port: int, timeout_s: float = 10.0, **options: Any) -> TogetherProvider:
    """The adapter for the account `lab` on this machine."""
    fields = {"dialect": "together", "base_url": f"http://127.0.0.1:{port}/v1", "options": options}
    account = Account.model_validate(fields)
    return TogetherProvider("lab", account, SecretStr(KEY), timeout_s)


def replying(replies: Replies) -> Callable[[Asked], Reply]:
    """By method and path; what is not there is not found."""

    def reply(asked: Asked) -> Reply:
        told = replies.get((asked.method, asked.path), Reply({"error": {"message": "no"}}, 404))
        return told if isinstance(told, Reply) else Reply(told)

    return reply


@contextmanager
def serving(replies: Replies) -> Iterator[ScriptedServer]:
    """A server with these replies."""
    with ScriptedServer(replying(replies)) as server:
        yield server


def job(job_id: str = "ft-1", **fields: Any) -> dict[str, Any]:
    """A job as Together would list it, changed in some fields."""
    return {
        "id": job_id,
        "status": "pending",
        "created_at": "2026-11-22T10:00:00.123Z",
        "updated_at": "2026-11-22T10:00:00.123Z",
        "user_id": "user-1",
        "model": "base",
        "training_file": "file-1",
        "suffix": None,
        **fields,
    }


def spec(**changes: Any) -> JobSpec:
    """An order; hyperparameters by their names."""
    own = {"suffix", "seed", "purchase", "validation_file"}
    knobs = Hyperparameters(**{k: v for k, v in changes.items() if k not in own})
    fields: dict[str, Any] = {"suffix": None, "seed": None, "purchase": "abc/1"}
    fields |= {"validation_file": None} | {k: v for k, v in changes.items() if k in own}
    method = Method(supervised=Supervised(hyperparameters=knobs))
    return JobSpec(model="base", training_file="file-1", method=method, **fields)

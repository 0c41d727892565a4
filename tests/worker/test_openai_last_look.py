"""What a check keeps back never leaves this machine."""

import io
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, Reply, ScriptedServer, job_document

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.request import Method
from tuneq_shared.settings import Account
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import JobSpec
from tuneq_worker.providers.openai.adapter import OpenAIProvider

SPEC = JobSpec(
    model="m", training_file="file-1", validation_file=None, method=Method(), suffix=None,
    seed=None, purchase=None,
)  # fmt: skip
CALLS: dict[str, Callable[[OpenAIProvider, Check], object]] = {
    "/v1/fine_tuning/jobs": lambda it, check: it.create_job(SPEC, check),
    "/v1/batches": lambda it, check: it.create_batch("file-1", None, check),
    "/v1/files": lambda it, check: it.upload("t.jsonl", io.BytesIO(b"{}"), check),
    "/v1/uploads/ftjob-1/complete": lambda it, check: it.upload(
        "t.jsonl", io.BytesIO(b"x" * 300), check
    ),
}


class LostError(Exception):
    """What a check says."""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    reply = Reply({**job_document(), "file": {"id": "file-1"}})
    with ScriptedServer(lambda _: reply) as server:
        yield server


def provider(server: ScriptedServer) -> OpenAIProvider:
    account = Account(
        base_url=f"http://127.0.0.1:{server.port}/v1",
        capabilities=Capabilities(plain_file_bytes=200, part_bytes=200),
    )
    return OpenAIProvider("lab", account, SecretStr(KEY), 10.0)


def arrived(server: ScriptedServer, path: str) -> list[Asked]:
    return [asked for asked in server.asked if asked.path == path]


@pytest.mark.parametrize("path", CALLS)
def test_what_a_check_objects_to_is_not_sent_and_later_requests_are(
    server: ScriptedServer, path: str
) -> None:
    def lost() -> None:
        raise LostError

    account = provider(server)
    with pytest.raises(LostError):
        CALLS[path](account, lost)
    assert arrived(server, path) == []
    account.job("ftjob-1")
    CALLS[path](account, lambda: None)
    assert len(arrived(server, path)) == 1


@pytest.mark.parametrize("path", CALLS)
def test_it_is_made_again_between_head_and_body(server: ScriptedServer, path: str) -> None:
    """A server does nothing upon half a request."""
    looks = 0

    def lost_later() -> None:
        nonlocal looks
        looks += 1
        if looks > 1:
            raise LostError

    with pytest.raises(LostError):
        CALLS[path](provider(server), lost_later)
    assert not any(asked.body for asked in arrived(server, path))


def test_it_is_made_when_the_connection_is_there(server: ScriptedServer) -> None:
    def unexpected() -> None:
        raise LostError

    with ScriptedServer(lambda _: Reply()) as gone:
        account = provider(gone)
    with pytest.raises(Exception, match="cannot be reached"):
        account.create_job(SPEC, unexpected)
    assert server.asked == []

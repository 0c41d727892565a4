"""The key goes to its account and nowhere else; nothing meant for another account goes along."""

import asyncio
import io
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from tests.worker.openai_support import (
    KEY,
    Asked,
    Reply,
    ScriptedServer,
    job_document,
    page,
    refusal,
)

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Method
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Completion, JobSpec, ProviderError
from tuneq_worker.providers.openai.adapter import OpenAIProvider
from tuneq_worker.providers.openai.clients import chat_session, sync_client
from tuneq_worker.providers.openai.credentials import Bearer
from tuneq_worker.providers.openai.errors import redact, without_key

FOREIGN = {
    "OPENAI_API_KEY": "sk-foreign",
    "OPENAI_ADMIN_KEY": "sk-foreign-admin",
    "OPENAI_ORG_ID": "org-foreign",
    "OPENAI_PROJECT_ID": "proj-foreign",
    "OPENAI_BASE_URL": "http://127.0.0.1:1/foreign",
    "OPENAI_CUSTOM_HEADERS": "X-Foreign: foreign\nauthorization: Bearer sk-foreign",
}


@pytest.fixture
def foreign_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("foreign_environment")
def test_environment_of_another_account_stays_out_of_requests() -> None:
    reply = Reply({**job_document(), "choices": [{"message": {"content": "hi"}}]})
    with ScriptedServer(lambda _: reply) as server:
        provider = server.provider()
        provider.job("ftjob-1")

        async def chat() -> None:
            async with provider.open_chat(in_flight=1) as line:
                await line.complete("m", [], {})

        asyncio.run(chat())
    assert len(server.asked) == 2
    for asked in server.asked:
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        assert "foreign" not in str(asked.headers)
        assert not {"openai-organization", "openai-project"} & set(asked.headers)


@pytest.mark.usefixtures("foreign_environment")
def test_openai_itself_gets_its_organization_and_our_key() -> None:
    for base_url in ("https://api.openai.com/v1", "https://eu.api.openai.com/v1"):
        with sync_client(base_url, Bearer(KEY), 1.0) as client:
            assert client.default_headers["OpenAI-Organization"] == "org-foreign"
            assert str(client.base_url) == f"{base_url}/"


@pytest.mark.usefixtures("foreign_environment")
def test_a_name_like_openais_is_not_openai() -> None:
    async def main() -> None:
        for base_url in ("https://notopenai.com/v1", "https://openai.com.example.org/v1"):
            with sync_client(base_url, Bearer(KEY), 1.0) as client:
                assert "org-foreign" not in str(client.default_headers)
                async with chat_session(client, 1.0, 1) as session:
                    assert "org-foreign" not in str(session.headers)

    asyncio.run(main())


def test_the_key_stays_behind_where_a_redirect_leads_elsewhere() -> None:
    with ScriptedServer(lambda _: Reply(job_document())) as elsewhere:
        away = {"location": f"http://localhost:{elsewhere.port}/x"}
        with ScriptedServer(lambda _: Reply({}, 307, away)) as server:
            server.provider().job("ftjob-1")
    (asked,) = elsewhere.asked
    assert KEY not in str(asked.headers)


ECHO = f"Incorrect API key provided: {KEY}. You can find yours at sk-other-key-1234."


@pytest.mark.parametrize("status", [400, 401, 500])
def test_an_echoed_key_is_taken_out(status: int) -> None:
    with (
        ScriptedServer(lambda _: refusal(status, ECHO)) as server,
        pytest.raises(ProviderError) as caught,
    ):
        server.provider().job("ftjob-1")
    error = caught.value
    assert error.message.startswith("Incorrect API key provided: ***")
    shown = "".join(traceback.format_exception(error))
    for secret in (KEY, "sk-other-key-1234"):
        assert secret not in shown + repr(error) + error.message
    assert (error.__cause__, error.__context__) == (None, None)


def echoing(asked: Asked) -> Reply:
    """A good answer to any request, with the key wherever a text may stand."""
    told = f"you sent {asked.headers['authorization']}"
    entry = {
        **job_document(error={"code": KEY, "message": told}, metadata={"tuneq_name": told}),
        "filename": "t.jsonl",
        "input_file_id": told,
        "status_details": told,
        "message": told,
        "data": {"m": told},
        "choices": [{"message": {"content": told}}],
        "file": {"id": "file-1", "status_details": told},
    }
    if asked.method == "GET" and asked.path.endswith(("jobs", "files", "events", "checkpoints")):
        return page([entry])
    return Reply(entry)


SPEC = JobSpec(
    model="m", training_file="file-1", validation_file=None, method=Method(), suffix=None,
    seed=None, purchase=None,
)  # fmt: skip
CALLS: dict[str, Callable[[OpenAIProvider], Any]] = {
    "upload": lambda it: it.upload("t.jsonl", io.BytesIO(b"{}")),
    "upload in parts": lambda it: it.upload("t.jsonl", io.BytesIO(b"x" * 300)),
    "find_file": lambda it: it.find_file("t.jsonl"),
    "file": lambda it: it.file("file-1"),
    "result_file": lambda it: it.result_file("file-1"),
    "create_job": lambda it: it.create_job(SPEC),
    "all_jobs": lambda it: list(it.all_jobs()),
    "find_jobs_on": lambda it: it.find_jobs_on("file-1", None),
    "sweep": lambda it: it.sweep(["ftjob-1", "ftjob-2"], others=True),
    "job": lambda it: it.job("ftjob-1"),
    "cancel_job": lambda it: it.cancel_job("ftjob-1"),
    "events": lambda it: it.events("ftjob-1"),
    "checkpoints": lambda it: it.checkpoints("ftjob-1"),
    "create_batch": lambda it: it.create_batch("file-1", None),
    "batch": lambda it: it.batch("batch_1"),
    "cancel_batch": lambda it: it.cancel_batch("batch_1"),
    "chat": lambda it: asyncio.run(asked_in_chat(it)),
}


async def asked_in_chat(provider: OpenAIProvider) -> Completion:
    async with provider.open_chat(in_flight=1) as line:
        return await line.complete("m", [], {})


@pytest.mark.parametrize("call", CALLS)
def test_a_key_in_a_good_answer_is_taken_out(call: str) -> None:
    with ScriptedServer(echoing) as server:
        account = Account(
            base_url=f"http://127.0.0.1:{server.port}/v1",
            capabilities=Capabilities(plain_file_bytes=200, part_bytes=200),
        )
        answer = CALLS[call](OpenAIProvider("lab", account, SecretStr(KEY), 10.0))
    assert server.asked
    assert KEY not in str(answer)
    assert "***" in str(answer)


@pytest.mark.parametrize(
    ("body", "key", "kept"),
    [
        (rb'{"a": "key\/with\"both-0123"}', 'key/with"both-0123', b'{"a": "***"}'),
        (rb'{"a": "key/with\"both-0123"}', 'key/with"both-0123', b'{"a": "***"}'),
        (b"step,loss\nEMPTY,1", "EMPTY", b"step,loss\nEMPTY,1"),
    ],
)  # fmt: skip
def test_it_is_known_as_json_writes_it_and_a_word_is_no_key(
    body: bytes, key: str, kept: bytes
) -> None:
    assert without_key(body, key) == kept


def test_a_wrong_key_is_an_error_of_the_account() -> None:
    with (
        ScriptedServer(lambda _: refusal(401, ECHO)) as server,
        pytest.raises(ProviderError) as caught,
    ):
        server.provider().job("ftjob-1")
    assert caught.value.kind is ErrorKind.AUTH


@pytest.mark.parametrize("reply", [Reply(drop=True), Reply(b"?"), refusal(500)])
def test_no_error_holds_on_to_the_request(reply: Reply) -> None:
    async def chat() -> None:
        async with server.provider().open_chat(in_flight=1) as line:
            await line.complete("m", [], {})

    with ScriptedServer(lambda _: reply) as server:
        with pytest.raises(ProviderError) as one:
            server.provider().job("ftjob-1")
        with pytest.raises(ProviderError) as two:
            asyncio.run(chat())
    for caught in (one, two):
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_key_at_the_cut_is_not_left_in_part() -> None:
    assert KEY[:8] not in redact("x" * 595 + KEY, KEY)


def test_code_and_wait_come_along() -> None:
    body = {"error": {"message": "slow", "type": "requests", "code": "rate_limit_exceeded"}}
    headers = {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}
    with (
        ScriptedServer(lambda _: Reply(body, 429, headers)) as server,
        pytest.raises(ProviderError) as caught,
    ):
        server.provider().job("ftjob-1")
    assert (caught.value.code, caught.value.retry_after_s) == ("rate_limit_exceeded", 1.0)
    assert not caught.value.ambiguous


def test_nobody_at_the_address() -> None:
    with ScriptedServer(lambda _: Reply()) as server:
        provider = server.provider()
    with pytest.raises(
        ProviderError, match=r"account 'lab' cannot be reached: .*refused"
    ) as caught:
        provider.job("ftjob-1")
    assert caught.value.kind is ErrorKind.NETWORK

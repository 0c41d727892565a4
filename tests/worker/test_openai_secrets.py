"""The key goes to its account and nowhere else; nothing meant for another account goes along."""

import asyncio
import traceback

import pytest
from tests.worker.openai_support import KEY, Reply, ScriptedServer, job_document, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.clients import async_client, sync_client
from tuneq_worker.providers.openai.errors import redact

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
        with sync_client(base_url, KEY, 1.0) as client:
            assert client.default_headers["OpenAI-Organization"] == "org-foreign"
            assert client.default_headers["Authorization"] == f"Bearer {KEY}"
            assert str(client.base_url) == f"{base_url}/"


@pytest.mark.usefixtures("foreign_environment")
def test_a_name_like_openais_is_not_openai() -> None:
    async def main() -> None:
        for base_url in ("https://notopenai.com/v1", "https://openai.com.example.org/v1"):
            async with async_client(base_url, KEY, 1.0, 1) as client:
                assert "org-foreign" not in str(client.default_headers)

    asyncio.run(main())


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

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.worker.openai_support import KEY, Reply, ScriptedServer, provider_at, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.ports.limits import Headroom, Told
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Completion, ProviderError
from tuneq_worker.providers.openai.adapter import OpenAIProvider
from tuneq_worker.providers.openai.clients import proxy_for

MESSAGES = [{"role": "user", "content": "hello"}]


def ask(provider: OpenAIProvider, **parameters: Any) -> Completion:
    async def once() -> Completion:
        async with provider.open_chat(in_flight=4) as chat:
            return await chat.complete("ft:m", MESSAGES, parameters)

    return asyncio.run(once())


def answer(message: dict[str, Any], *, finish: str = "stop", usage: bool = True) -> Reply:
    body: dict[str, Any] = {"choices": [{"message": message, "finish_reason": finish}]}
    if usage:
        body["usage"] = {"prompt_tokens": 9, "completion_tokens": 3}
    return Reply(body)


def test_complete_sends_model_messages_and_parameters() -> None:
    with ScriptedServer(lambda _: answer({"content": "hi"})) as server:
        completion = ask(server.provider(), temperature=0.0, max_tokens=8)
    assert completion == Completion(text="hi", prompt_tokens=9, completion_tokens=3)
    assert server.asked[0].path == "/v1/chat/completions"
    assert server.asked[0].json() == {
        "model": "ft:m",
        "messages": MESSAGES,
        "temperature": 0.0,
        "max_tokens": 8,
    }


@pytest.mark.parametrize(
    ("message", "finish", "text", "refused"),
    [
        ({"content": "", "refusal": None}, "stop", "", False),
        ({"content": None, "refusal": "I can't"}, "stop", "I can't", True),
        ({"content": "half", "refusal": None}, "content_filter", "half", True),
        ({"content": None}, "content_filter", "", True),
        ({"content": "cut"}, "length", "cut", False),
    ],
)
def test_answers_and_refusals(
    message: dict[str, Any], finish: str, text: str, refused: bool
) -> None:
    with ScriptedServer(lambda _: answer(message, finish=finish)) as server:
        completion = ask(server.provider())
    assert (completion.text, completion.refused) == (text, refused)


def test_usage_may_be_missing() -> None:
    with ScriptedServer(lambda _: answer({"content": "hi"}, usage=False)) as server:
        assert ask(server.provider()) == Completion(text="hi", prompt_tokens=0, completion_tokens=0)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply({"choices": []}), ErrorKind.MALFORMED),
        (Reply({"error": {"message": "x"}}), ErrorKind.MALFORMED),
        (Reply({"choices": [{"message": None}]}), ErrorKind.MALFORMED),
        (answer({"content": None}), ErrorKind.MALFORMED),
        (answer({"content": [1]}), ErrorKind.MALFORMED),
        (Reply(b"{"), ErrorKind.MALFORMED),
        (Reply(b"<html>", headers={"content-type": "text/html"}), ErrorKind.MALFORMED),
        (Reply(drop=True), ErrorKind.NETWORK),
        (Reply(b"zz", headers={"content-encoding": "gzip"}), ErrorKind.NETWORK),
        (refusal(500), ErrorKind.SERVER),
        (refusal(429), ErrorKind.RATE),
        (refusal(429, "the model is still being loaded"), ErrorKind.COLD),
        (refusal(404), ErrorKind.NOT_FOUND),
    ],
)
def test_no_answer_is_an_error_after_one_request(reply: Reply, kind: ErrorKind) -> None:
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ProviderError) as caught:
        ask(server.provider())
    assert caught.value.kind is kind
    assert len(server.asked) == 1


def test_silence_is_an_error_after_the_timeout() -> None:
    held: list[Any] = []

    async def main() -> ProviderError:
        def keep(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            held.append(writer)

        silent = await asyncio.start_server(keep, "127.0.0.1", 0)
        port = silent.sockets[0].getsockname()[1]
        lab = provider_at(port, timeout_s=0.2)
        async with silent:
            async with lab.open_chat(in_flight=1) as chat:
                with pytest.raises(ProviderError) as caught:
                    await chat.complete("m", MESSAGES, {})
            for writer in held:
                writer.close()
                await writer.wait_closed()
        return caught.value

    error = asyncio.run(main())
    assert error.kind is ErrorKind.NETWORK
    assert "'lab' did not answer in time" in error.message


def test_as_many_requests_are_open_as_the_line_carries() -> None:
    count = 150  # more than the 100 that aiohttp opens by itself
    waiting = 0
    together = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        waiting += 1
        if waiting == count:
            together.set()
        await together.wait()
        body = b'{"choices":[{"message":{"content":"hi"}}]}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async def main() -> list[Completion]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=count)
        lab = provider_at(server.sockets[0].getsockname()[1], timeout_s=20)
        async with server, lab.open_chat(in_flight=count) as chat:
            return await asyncio.gather(*(chat.complete("m", MESSAGES, {}) for _ in range(count)))

    assert len(asyncio.run(main())) == count


LIMITS = {"x-ratelimit-limit-requests": "3000", "x-ratelimit-remaining-requests": "7"}


def test_an_answer_and_a_refusal_tell_the_limits() -> None:
    said = Headroom(requests=Told(limit=3000, remaining=7))
    reply = answer({"content": "hi"})
    with ScriptedServer(lambda _: Reply(reply.body, headers=LIMITS)) as server:
        assert ask(server.provider()).headroom == said
    with (
        ScriptedServer(
            lambda _: refusal(429, headers={**LIMITS, "retry-after-ms": "40"})
        ) as server,
        pytest.raises(ProviderError) as caught,
    ):
        ask(server.provider())
    assert (caught.value.headroom, caught.value.retry_after_s) == (said, 0.04)


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(lambda _: answer({"content": "hi"})) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "elsewhere.invalid")
        account = Account(base_url="http://lab.invalid/v1")
        lab = OpenAIProvider("lab", account, SecretStr(KEY), 10.0)
        assert ask(lab).text == "hi"
    assert proxy.asked[0].headers["host"] == "lab.invalid"
    assert proxy.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_host_without_proxy_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ScriptedServer(lambda _: answer({"content": "hi"})) as server:
        assert ask(server.provider()).text == "hi"


def test_a_proxy_that_is_none_of_http_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("all_proxy", "socks5://user:secret@127.0.0.1:9")
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    with pytest.raises(ConfigurationError, match="none of HTTP") as caught:
        proxy_for("http://lab.invalid/v1/chat/completions")
    assert "secret" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_is_followed_and_the_key_stays_behind(status: int) -> None:
    with ScriptedServer(lambda _: answer({"content": "hi"})) as other:
        away = {"location": f"http://127.0.0.1:{other.port}/v1/chat/completions"}
        with ScriptedServer(lambda _: Reply({}, status, away)) as server:
            assert ask(server.provider()).text == "hi"
    assert other.asked[0].json()["model"] == "ft:m"
    assert "authorization" not in other.asked[0].headers


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    )
    argv = ["openssl", *made.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(argv, check=True, capture_output=True)

    async def main() -> ProviderError:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/v1"
        lab = OpenAIProvider("lab", Account(base_url=url), SecretStr(KEY), 10.0)
        async with server, lab.open_chat(in_flight=1) as chat:
            with pytest.raises(ProviderError) as caught:
                await chat.complete("m", MESSAGES, {})
        return caught.value

    error = asyncio.run(main())
    assert error.kind is ErrorKind.NETWORK
    assert "certificate" in error.message

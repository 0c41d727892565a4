import asyncio
from typing import Any

import pytest
from tests.worker.openai_support import Reply, ScriptedServer, provider_at, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import Completion, ProviderError
from tuneq_worker.providers.openai.adapter import OpenAIProvider

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

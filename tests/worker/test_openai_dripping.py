"""A provider that sends its answer drop by drop, each in time, and never ends."""

import asyncio
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest
from tests.worker.openai_support import Reply, ScriptedServer, provider_at, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Method
from tuneq_worker.ports.provider import Completion, JobSpec, ProviderError
from tuneq_worker.providers.openai.adapter import OpenAIProvider

TIMEOUT_S = 0.05
DROP_S = TIMEOUT_S / 10
SPEC = JobSpec(
    model="m",
    training_file="f",
    validation_file=None,
    method=Method(),
    suffix=None,
    seed=None,
    purchase=None,
)


@dataclass
class Dripping:
    """A server of which every answer begins and none ends."""

    port: int = 0
    drops: int = 0


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
BODY_DRIPS = HEAD + b"content-length: 1000000\r\n\r\n", b" "
HEAD_DRIPS = HEAD + b"x-long: ", b"x"
NO_HEAD_COMES = b"", b"HTTP/1.1 102 Processing\r\n\r\n"


@contextmanager
def dripping(begin: bytes = BODY_DRIPS[0], drop: bytes = BODY_DRIPS[1]) -> Iterator[Dripping]:
    over, told = threading.Event(), Dripping()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65_536)
            with suppress(OSError):  # the client goes away
                self.request.sendall(begin)
                while not over.wait(DROP_S):
                    self.request.sendall(drop)
                    told.drops += 1

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        told.port = server.server_address[1]
        try:
            yield told
        finally:
            over.set()
            server.shutdown()
            thread.join()


def chat(provider: OpenAIProvider) -> Completion:
    async def once() -> Completion:
        async with provider.open_chat(in_flight=1) as line:
            return await line.complete("m", [], {})

    return asyncio.run(once())


@pytest.mark.parametrize(
    "call",
    [
        lambda lab: lab.job("j"),
        lambda lab: lab.result_file("f"),
        lambda lab: lab.create_job(SPEC),
        chat,
    ],
    ids=["job", "result_file", "create_job", "chat"],
)
def test_it_is_given_up(call: Callable[[OpenAIProvider], object]) -> None:
    with dripping() as server, pytest.raises(ProviderError) as caught:
        call(provider_at(server.port, TIMEOUT_S))
    assert caught.value.kind is ErrorKind.NETWORK
    assert "'lab' did not answer in time" in caught.value.message


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("how", [HEAD_DRIPS, NO_HEAD_COMES], ids=["head", "no_head"])
def test_so_is_a_head_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch, how: tuple[bytes, bytes], *, proxied: bool
) -> None:
    with dripping(*how) as server:
        if proxied:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
            monkeypatch.setenv("NO_PROXY", "")
        lab = provider_at(9 if proxied else server.port, TIMEOUT_S)
        with pytest.raises(ProviderError) as caught:
            lab.job("j")
    assert caught.value.kind is ErrorKind.NETWORK
    assert "'lab' did not answer in time" in caught.value.message


def test_a_purchase_is_given_up_sooner() -> None:
    """By the time that its grace allows for, whatever other calls may take."""

    def drops(call: Callable[[OpenAIProvider], object]) -> int:
        with dripping() as server, pytest.raises(ProviderError):
            call(provider_at(server.port, TIMEOUT_S))
        return server.drops

    assert 4 * drops(lambda lab: lab.create_job(SPEC)) < drops(lambda lab: lab.job("j"))


def test_no_provider_is_left_alone_for_longer_than_a_day() -> None:
    reply = refusal(429, headers={"retry-after": "99999999"})
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ProviderError) as caught:
        server.provider().job("j")
    assert caught.value.retry_after_s == 86_400.0


def test_an_answer_that_is_whole_in_time_is_read() -> None:
    with ScriptedServer(lambda _: Reply(b"x" * 300_000)) as server:
        assert server.provider().result_file("f") == b"x" * 300_000

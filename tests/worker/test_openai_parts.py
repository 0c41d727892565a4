"""A large file in parts: what is sent, how it is read, and how an upload is given up."""

import hashlib
import io
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, CountedBytes, Reply, ScriptedServer, refusal

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.settings import Account
from tuneq_worker.policy import Verdict, decide
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.adapter import OpenAIProvider
from tuneq_worker.providers.openai.parts import FileSlice

CONTENT = b'{"messages": []}\n' * 30_000  # 510,000 bytes
PART = 200_000
BEGIN, SEND, END, GIVE_UP = (
    f"/v1/uploads{tail}" for tail in ("", "/u/parts", "/u/complete", "/u/cancel")
)


def well(asked: Asked) -> Reply:
    """What a provider answers that has no trouble: parts are named by their first byte's digest."""
    if asked.path == END:
        file = {"id": "file-1", "filename": "a.jsonl", "created_at": 1, "status": "uploaded"}
        return Reply({"id": "u", "status": "completed", "file": file})
    if asked.path == SEND:
        return Reply({"id": f"part-{hashlib.sha256(asked.body).hexdigest()}"})
    return Reply({"id": "u", "status": "pending"})


def but(path: str, reply: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: reply if asked.path == path else well(asked)


def provider(server: ScriptedServer, **sizes: int) -> OpenAIProvider:
    capabilities = Capabilities.model_validate(
        {"plain_file_bytes": PART, "part_bytes": PART, **sizes}
    )
    account = Account(base_url=f"http://127.0.0.1:{server.port}/v1", capabilities=capabilities)
    return OpenAIProvider("lab", account, SecretStr(KEY), 10.0)


def test_parts_are_sent_in_order_and_checked_as_a_whole() -> None:
    content = CountedBytes(CONTENT)
    with ScriptedServer(well) as server:
        assert provider(server).upload("a.jsonl", content).id == "file-1"
    begin, *parts, end = server.asked
    assert begin.path == BEGIN
    assert begin.json() == {
        "bytes": len(CONTENT),
        "filename": "a.jsonl",
        "mime_type": "text/jsonl",
        "purpose": "fine-tune",
    }
    bodies = [re.split(rb"\r\n\r\n|\r\n--", part.body)[1] for part in parts]
    assert b"".join(bodies) == CONTENT
    assert [len(body) for body in bodies] == [PART, PART, len(CONTENT) - 2 * PART]
    assert end.json() == {
        "part_ids": [f"part-{hashlib.sha256(part.body).hexdigest()}" for part in parts],
        "md5": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
    }
    assert content.largest < PART / 2, "no part was held in memory"


@pytest.mark.parametrize(
    ("path", "reply", "given_up"),
    [
        (BEGIN, refusal(500), False),
        (SEND, refusal(429), True),
        (SEND, refusal(429, headers={"retry-after": "60"}), True),
        (SEND, refusal(400), True),
        (END, refusal(400, "The md5 of the file is another one."), True),
        (END, refusal(500), False),
        (END, Reply(drop=True), False),
        (END, Reply({"id": "u", "status": "completed", "file": None}), False),
    ],
)
def test_an_upload_is_given_up_unless_it_may_be_a_file(
    path: str, reply: Reply, *, given_up: bool
) -> None:
    with ScriptedServer(but(path, reply)) as server, pytest.raises(ProviderError):
        provider(server).upload("a.jsonl", io.BytesIO(CONTENT))
    paths = [asked.path for asked in server.asked]
    assert paths.count(path) == 1, "nothing is sent twice"
    assert paths[-1] == (GIVE_UP if given_up else path)


PASSING = [
    refusal(429, headers={"retry-after-ms": "1"}),
    refusal(500),
    Reply(drop=True),
    Reply(b"?"),
]


@pytest.mark.parametrize("trouble", PASSING)
def test_a_part_is_sent_again_after_what_may_pass(trouble: Reply) -> None:
    tries: list[bytes] = []

    def script(asked: Asked) -> Reply:
        if asked.path != SEND:
            return well(asked)
        tries.append(re.split(rb"\r\n\r\n|\r\n--", asked.body)[1])
        return trouble if len(tries) % 3 else well(asked)

    with ScriptedServer(script) as server:
        assert provider(server).upload("a.jsonl", io.BytesIO(CONTENT)).id == "file-1"
    assert b"".join(tries[2::3]) == CONTENT
    assert tries[0::3] == tries[1::3] == tries[2::3]
    end = server.asked[-1].json()
    assert len(end["part_ids"]) == 3
    assert end["md5"] == hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("trouble", PASSING)
def test_a_part_that_never_arrives_is_sent_three_times(trouble: Reply) -> None:
    with ScriptedServer(but(SEND, trouble)) as server, pytest.raises(ProviderError):
        provider(server).upload("a.jsonl", io.BytesIO(CONTENT))
    assert [asked.path for asked in server.asked] == [BEGIN, SEND, SEND, SEND, GIVE_UP]


def test_what_cannot_be_given_up_hides_no_error() -> None:
    def script(asked: Asked) -> Reply:
        return refusal({SEND: 429, GIVE_UP: 500}.get(asked.path, 418))

    with (
        ScriptedServer(
            lambda asked: well(asked) if asked.path == BEGIN else script(asked)
        ) as server,
        pytest.raises(ProviderError) as caught,
    ):
        provider(server).upload("a.jsonl", io.BytesIO(CONTENT))
    assert caught.value.kind is ErrorKind.RATE


def test_a_file_that_no_provider_takes_is_not_begun() -> None:
    with ScriptedServer(well) as server, pytest.raises(ProviderError) as caught:
        provider(server, largest_file_bytes=500_000).upload("a.jsonl", io.BytesIO(CONTENT))
    assert server.asked == []
    assert caught.value.code == "too_large"
    assert "510,000 bytes" in caught.value.message
    assert "500,000" in caught.value.message
    assert decide(caught.value, 0).verdict is Verdict.GIVE_UP


@pytest.mark.parametrize("path", ["/v1/files", BEGIN, SEND])
def test_a_provider_that_finds_it_too_large_is_believed(path: str) -> None:
    plain = len(CONTENT) if path == "/v1/files" else PART
    with ScriptedServer(but(path, refusal(413))) as server, pytest.raises(ProviderError) as caught:
        provider(server, plain_file_bytes=plain).upload("a.jsonl", io.BytesIO(CONTENT))
    assert caught.value.code == "too_large"
    assert decide(caught.value, 0).verdict is Verdict.GIVE_UP


@given(
    st.binary(max_size=60),
    st.integers(1, 20),
    st.lists(st.integers(-1, 9), max_size=8),
)
def test_slices_together_are_the_file(whole: bytes, step: int, reads: list[int]) -> None:
    file, digest = io.BytesIO(whole), hashlib.md5(usedforsecurity=False)
    for start in range(0, len(whole), step):
        length = min(step, len(whole) - start)
        part = io.BufferedReader(FileSlice(file, start, length, digest), 4)
        assert part.seek(0, io.SEEK_END) == length
        part.seek(0)
        for size in reads:
            part.read(size)
        part.seek(0)
        assert part.read() == whole[start : start + length]
    assert digest.digest() == hashlib.md5(whole, usedforsecurity=False).digest()

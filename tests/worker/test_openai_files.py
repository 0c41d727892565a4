import base64
import io
from typing import Any

import pytest
from tests.worker.openai_support import Asked, CountedBytes, Reply, ScriptedServer, page, refusal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import FileState, ProviderError, StepMetric


def file_document(file_id: str = "file-1", **fields: Any) -> dict[str, Any]:
    return {
        "object": "file",
        "id": file_id,
        "filename": "a.jsonl",
        "created_at": 1,
        "status": "processed",
        "purpose": "fine-tune",
        **fields,
    }


def test_upload_sends_name_purpose_and_content_piece_by_piece() -> None:
    content = CountedBytes(b'{"messages": []}\n' * 60_000)
    with ScriptedServer(lambda _: Reply(file_document(status="uploaded"))) as server:
        file = server.provider().upload('train "1".jsonl', content)
    assert (file.id, file.state) == ("file-1", FileState.PENDING)
    body = server.asked[0].body
    assert server.asked[0].path == "/v1/files"
    assert content.getvalue() in body
    assert b'name="purpose"\r\n\r\nfine-tune' in body
    assert b"train %221%22.jsonl" in body
    assert content.largest < 200_000


@pytest.mark.parametrize("reply", [Reply(drop=True), refusal(500), Reply(b"?")])
def test_upload_posts_exactly_once(reply: Reply) -> None:
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ProviderError) as caught:
        server.provider().upload("a.jsonl", io.BytesIO(b"x"))
    assert caught.value.ambiguous
    assert len(server.posts()) == 1


class Broken(io.BytesIO):
    """A file whose disk fails."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error", size)


def test_upload_does_not_blame_the_provider_for_our_disk() -> None:
    with (
        ScriptedServer(lambda _: Reply(file_document())) as server,
        pytest.raises(OSError, match="Input/output"),
    ):
        server.provider(timeout_s=0.5).upload("a.jsonl", Broken(b"x"))


@pytest.mark.parametrize(
    ("fields", "state", "detail"),
    [
        ({"status": "processed"}, FileState.READY, ""),
        ({"status": "uploaded"}, FileState.PENDING, ""),
        ({"status": "pending"}, FileState.PENDING, ""),
        ({"status": "error", "status_details": "line 3"}, FileState.ERROR, "line 3"),
        ({"status": "deleted"}, FileState.ERROR, ""),
        ({"status": None}, FileState.READY, ""),
        ({"status": "cooking"}, FileState.PENDING, ""),
    ],
)
def test_file_states(fields: dict[str, Any], state: FileState, detail: str) -> None:
    with ScriptedServer(lambda _: Reply(file_document(**fields))) as server:
        file = server.provider().file("file-1")
    assert (file.state, file.detail) == (state, detail)


def test_find_file_takes_the_newest_usable_one_of_that_name() -> None:
    files = [
        file_document("file-other", filename="b.jsonl", created_at=9),
        file_document("file-bad", status="error", created_at=8),
        file_document("file-old", created_at=1),
        file_document("file-new", created_at=7),
    ]
    with ScriptedServer(lambda _: page(files)) as server:
        provider = server.provider()
        found = provider.find_file("a.jsonl")
        assert found is not None
        assert found.id == "file-new"
        assert provider.find_file("c.jsonl") is None
    assert server.asked[0].query == {"purpose": "fine-tune", "limit": "100", "order": "desc"}


@pytest.mark.parametrize("foreign", [{"filename": None}, {"id": None}, {"created_at": "now"}])
def test_find_file_does_not_read_foreign_ones(foreign: dict[str, Any]) -> None:
    other = {"id": "file-9", "filename": "b.jsonl", "created_at": 9, "status": "processed"}
    ours = {**other, "id": "file-1", "filename": "a.jsonl"}
    with ScriptedServer(lambda _: page([other | foreign, ours])) as server:
        found = server.provider().find_file("a.jsonl")
    assert found is not None
    assert found.id == "file-1"


def test_find_file_reads_all_pages() -> None:
    files = [file_document(f"file-{n}", filename=f"{n}.jsonl") for n in range(150)]

    def answer(asked: Asked) -> Reply:
        start = int(asked.query.get("after", "file--1").removeprefix("file-")) + 1
        return page(files[start : start + 100], more=start + 100 < 150)

    with ScriptedServer(answer) as server:
        found = server.provider().find_file("140.jsonl")
    assert found is not None
    assert found.id == "file-140"


def test_delete_file_asks_once_and_does_not_mind_one_that_is_gone() -> None:
    deleted = Reply({"id": "file-1", "object": "file", "deleted": True})
    replies = iter([deleted, refusal(404, "No such File object"), refusal(403, "not allowed")])
    with ScriptedServer(lambda _: next(replies)) as server:
        provider = server.provider()
        provider.delete_file("file-1")
        provider.delete_file("file-1")
        with pytest.raises(ProviderError) as refused:
            provider.delete_file("file-1")
    assert refused.value.kind is ErrorKind.AUTH
    assert [(each.method, each.path) for each in server.asked] == [
        ("DELETE", "/v1/files/file-1")
    ] * 3


def test_result_file_comes_raw() -> None:
    raw = b"\x00\xffstep,train_loss\n"
    reply = Reply(raw, headers={"content-type": "application/octet-stream"})
    with ScriptedServer(lambda _: reply) as server:
        assert server.provider().result_file("file-1") == raw
    assert server.asked[0].path == "/v1/files/file-1/content"


def test_a_result_file_in_base64_gives_its_metrics() -> None:
    raw = base64.b64encode(b"step,train_loss,valid_loss\n1,6e-05,\n")
    with ScriptedServer(lambda _: Reply(raw, headers={"content-type": "text/plain"})) as server:
        provider = server.provider()
        metrics = provider.metrics(provider.result_file("file-1"))
    assert metrics == [StepMetric(1, train_loss=6e-05)]


def test_a_file_that_is_gone() -> None:
    with (
        ScriptedServer(lambda _: refusal(404, "No such File object: file-1")) as server,
        pytest.raises(ProviderError, match="No such File") as caught,
    ):
        server.provider().file("file-1")
    assert caught.value.kind is ErrorKind.NOT_FOUND

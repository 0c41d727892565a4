import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from tests.sandbox.provider_server import KEY, ProviderServer, chat_lines

from tuneq_sandbox.provider.file_store import new_file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderServer]:
    folder = tmp_path_factory.mktemp("files")
    with ProviderServer(folder, max_file_bytes=100_000, max_part_bytes=60_000) as running:
        yield running


@pytest.fixture
def client(server: ProviderServer) -> openai.OpenAI:
    return server.client()


def test_a_file_is_kept_byte_for_byte(client: openai.OpenAI) -> None:
    content = chat_lines(20) + b"\xff\x00"
    made = client.files.create(file=("a file.jsonl", content), purpose="fine-tune")
    assert (made.bytes, made.filename, made.purpose) == (len(content), "a file.jsonl", "fine-tune")
    assert made.status == "processed"
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read() == content
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.content(made.id)


def test_files_are_paged(client: openai.OpenAI) -> None:
    ids = [client.files.create(file=("x.jsonl", b"same"), purpose="fine-tune").id for _ in range(3)]
    client.files.create(file=("x.jsonl", b"same"), purpose="batch")
    listed = [file.id for file in client.files.list(purpose="fine-tune", limit=2)]
    assert listed[:3] == ids[::-1]
    first = client.files.list(purpose="fine-tune", limit=2, order="asc", after=ids[0])
    assert [file.id for file in first.data] == ids[1:]
    client.files.delete(ids[0])
    assert client.files.content(ids[1]).read() == b"same"


def test_a_file_may_not_be_used_before_it_is_processed(tmp_path: Path) -> None:
    with ProviderServer(tmp_path, file_delay_s=3600) as slow:
        client = slow.client()
        made = client.files.create(file=("x.jsonl", chat_lines(10)), purpose="fine-tune")
        assert made.status == "uploaded"
        assert client.files.retrieve(made.id).status == "uploaded"
        with pytest.raises(openai.BadRequestError, match="still being processed"):
            client.fine_tuning.jobs.create(model="gpt-3.5-turbo", training_file=made.id)


def test_a_file_is_processed_after_its_delay() -> None:
    content = ("0" * 64, 5)
    record = new_file(filename="x", purpose="fine-tune", content=content, now=100, delay_s=3)
    assert record.as_api(102.9)["status"] == "uploaded"
    assert record.as_api(103.0)["status"] == "processed"


def test_wrong_files_are_refused(server: ProviderServer, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        client.files.create(file=("x", b"x"), purpose="nothing")  # type: ignore[arg-type]
    assert wrong.value.param == "purpose"
    with pytest.raises(openai.APIStatusError) as large:
        client.files.create(file=("x", b"x" * 100_001), purpose="fine-tune")
    assert large.value.status_code == 413
    with pytest.raises(openai.NotFoundError, match="No such File object"):
        client.files.retrieve("file-none")
    batch = client.files.create(file=("x", b"x"), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="needs 'fine-tune'"):
        client.fine_tuning.jobs.create(model="gpt-3.5-turbo", training_file=batch.id)
    with pytest.raises(openai.BadRequestError, match="multipart"):
        client.post("/files", body={"purpose": "fine-tune"}, cast_to=object)
    assert list((server.directory / "state" / "incoming").iterdir()) == []


def test_a_file_in_parts(server: ProviderServer, client: openai.OpenAI) -> None:
    content = chat_lines(400)[:95_000]
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    done = client.uploads.upload_file_chunked(
        file=content,
        filename="large.jsonl",
        bytes=len(content),
        mime_type="text/jsonl",
        purpose="fine-tune",
        part_size=40_000,
        md5=digest,
    )
    assert done.status == "completed"
    assert done.file is not None
    assert client.files.content(done.file.id).read() == content
    assert list((server.directory / "state" / "parts").iterdir()) == []


def test_the_order_of_parts_is_the_one_given_at_the_end(client: openai.OpenAI) -> None:
    upload = client.uploads.create(
        bytes=6, filename="x", mime_type="text/jsonl", purpose="fine-tune"
    )
    parts = [client.uploads.parts.create(upload.id, data=data).id for data in (b"def", b"abc")]
    with pytest.raises(openai.BadRequestError, match="3 bytes"):
        client.uploads.complete(upload.id, part_ids=parts[:1])
    with pytest.raises(openai.BadRequestError, match="No such part"):
        client.uploads.complete(upload.id, part_ids=["part_none"])
    with pytest.raises(openai.BadRequestError, match="md5"):
        client.uploads.complete(upload.id, part_ids=parts, md5="0")
    done = client.uploads.complete(upload.id, part_ids=parts[::-1])
    assert done.file is not None
    assert client.files.content(done.file.id).read() == b"abcdef"
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.complete(upload.id, part_ids=parts)


def test_an_upload_can_be_cancelled(client: openai.OpenAI) -> None:
    upload = client.uploads.create(
        bytes=6, filename="x", mime_type="text/jsonl", purpose="fine-tune"
    )
    client.uploads.parts.create(upload.id, data=b"abc")
    assert client.uploads.cancel(upload.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        client.uploads.parts.create(upload.id, data=b"abc")
    with pytest.raises(openai.NotFoundError):
        client.uploads.cancel("upload_none")


@pytest.mark.parametrize("key", ["sk-wrong", "sk-tëst", None])
def test_a_key_is_needed(server: ProviderServer, key: str | None) -> None:
    request = urllib.request.Request(f"{server.url}/files")  # noqa: S310 - a loopback address
    if key:
        request.add_header("Authorization", f"Bearer {key}".encode().decode("latin-1"))
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310 - as above
    with raised.value as answer:
        error = json.loads(answer.read())["error"]
    assert raised.value.code == 401
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert (error["code"] == "invalid_api_key") == (key is not None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/nothing", None, 404, "unknown_url"),
        ("PATCH", "/files", None, 404, "unknown_url"),
        ("POST", "/fine_tuning/jobs", b"{", 400, None),
        ("POST", "/chat/completions", b"\xff", 400, None),
        ("POST", "/chat/completions", b"[]", 400, "invalid_value"),
        ("GET", "/fine_tuning/jobs?limit=0", None, 400, "invalid_value"),
        ("GET", "/fine_tuning/jobs?limit=many", None, 400, "invalid_value"),
    ],
)
def test_malformed_requests(
    *, server: ProviderServer, method: str, path: str, body: bytes | None, status: int, code: str
) -> None:
    request = urllib.request.Request(  # noqa: S310 - a loopback address
        server.url + path, method=method, data=body, headers={"Authorization": f"Bearer {KEY}"}
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)  # noqa: S310 - as above
    with raised.value as answer:
        error = json.loads(answer.read())["error"]
    assert (raised.value.code, error["code"]) == (status, code)
    assert error["type"] == "invalid_request_error"

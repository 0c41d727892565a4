"""Datasets at Fireworks: made once, filled whole, found by their name."""

import io

import pytest
from tests.worker.fireworks_support import DATASETS, KEY, dataset_document, fireworks, google
from tests.worker.openai_support import Asked, Reply, ScriptedServer

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.references import is_at_provider
from tuneq_worker.ports.provider import FileState, ProviderError
from tuneq_worker.providers.fireworks import datasets
from tuneq_worker.providers.fireworks.names import id_for

LINES = b'{"a": 1}\n{"a": 2}'
FIRST = id_for("t.jsonl")
FILE = f"file-{FIRST}"
EXISTS = google(409, 6, "it already exists")
GONE = google(404, 5, "not found")


class Account:
    """Datasets by id, each with its state."""

    def __init__(self, **there: str) -> None:
        self.there = dict(there)
        self.host = ""

    def __call__(self, asked: Asked) -> Reply:
        dataset_id, _, verb = asked.path.rpartition("/")[2].partition(":")
        if asked.path == DATASETS:
            named = asked.json()["datasetId"]
            if named in self.there:
                return EXISTS
            self.there[named] = "UPLOADING"
            return self._told(named)
        if verb == "getUploadEndpoint":
            return Reply({"filenameToSignedUrls": {"data.jsonl": f"{self.host}/signed?sig=x"}})
        if verb in {"upload", "validateUpload"}:
            if self.there[dataset_id] == "READY":
                return google(400, 9, "dataset is not in state UPLOADING")
            self.there[dataset_id] = "READY"
        if asked.method == "GET":
            return self._told(dataset_id) if dataset_id in self.there else GONE
        return Reply({})

    def _told(self, dataset_id: str) -> Reply:
        name = f"accounts/me/datasets/{dataset_id}"
        return Reply(dataset_document(self.there[dataset_id], name=name))


def test_a_dataset_is_created_filled_and_looked_at() -> None:
    with ScriptedServer(Account()) as server:
        file = fireworks(server).upload("t.jsonl", io.BytesIO(LINES))
    assert (file.id, file.state) == (FILE, FileState.READY)
    created, sent, _ = server.asked
    assert created.json() == {
        "datasetId": FIRST,
        "dataset": {
            "displayName": "t.jsonl",
            "exampleCount": "2",
            "format": "CHAT",
            "userUploaded": {},
        },
    }
    assert sent.path == f"{DATASETS}/{FIRST}:upload"
    assert LINES in sent.body


def test_one_that_a_dead_worker_left_empty_is_filled_and_was_none_until_then() -> None:
    with ScriptedServer(Account(**{FIRST: "UPLOADING"})) as server:
        provider = fireworks(server)
        assert provider.find_file("t.jsonl") is None
        assert provider.upload("t.jsonl", io.BytesIO(LINES)).id == FILE
        found = provider.find_file("t.jsonl")
    assert found is not None
    assert found.id == FILE


def test_beside_one_that_is_ready_another_is_made() -> None:
    with ScriptedServer(Account(**{FIRST: "READY"})) as server:
        file = fireworks(server).upload("t.jsonl", io.BytesIO(LINES))
    assert file.id.startswith(f"{FILE}-")
    assert file.state is FileState.READY


@pytest.mark.parametrize("state", [FileState.READY, FileState.PENDING])
def test_bytes_of_an_earlier_send_that_come_late_are_as_good(state: FileState) -> None:
    account = Account(**{FIRST: "UPLOADING"})

    def script(asked: Asked) -> Reply:
        if not asked.path.endswith(":upload"):
            return account(asked)
        if state is FileState.READY:
            account.there[FIRST] = "READY"
        return google(400, 9, "the dataset has its bytes")

    with ScriptedServer(script) as server:
        file = fireworks(server).upload("t.jsonl", io.BytesIO(LINES))
    assert (file.id, file.state) == (FILE, state)


def test_bytes_that_are_refused_are_refused_again() -> None:
    account = Account(**{FIRST: "UPLOADING"})
    bad = google(400, 3, "line 1 is no JSON")
    with (
        ScriptedServer(lambda it: bad if it.path.endswith(":upload") else account(it)) as server,
        pytest.raises(ProviderError, match="no JSON") as caught,
    ):
        fireworks(server).upload("t.jsonl", io.BytesIO(LINES))
    assert caught.value.kind is ErrorKind.BAD_REQUEST


def test_a_large_file_goes_to_a_signed_address_without_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(datasets, "_AT_ONCE", 4)
    account = Account()
    with ScriptedServer(account) as server:
        account.host = f"http://127.0.0.1:{server.port}"
        file = fireworks(server).upload("t.jsonl", io.BytesIO(LINES))
    assert file.state is FileState.READY
    (sent,) = (asked for asked in server.asked if asked.method == "PUT")
    size = str(len(LINES))
    assert sent.body == LINES
    assert sent.headers["content-length"] == size
    assert sent.headers["x-goog-content-length-range"] == f"{size},{size}"
    assert "authorization" not in sent.headers
    assert KEY not in str(sent)
    assert [asked.path.partition(":")[2] for asked in server.posts()] == [
        "", "getUploadEndpoint", "validateUpload",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["", "http://127.0.0.1:1", "ftp://example.org", "http://[x"])
def test_an_address_that_is_not_encrypted_is_not_called(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "_AT_ONCE", 4)
    account = Account()
    account.host = host
    with ScriptedServer(account) as server, pytest.raises(ProviderError) as caught:
        fireworks(server).upload("t.jsonl", io.BytesIO(LINES))
    assert caught.value.kind is ErrorKind.MALFORMED
    assert account.there == {FIRST: "UPLOADING"}


def test_a_file_that_is_too_large_is_not_sent() -> None:
    class Huge(io.BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            return 10**12 if whence == io.SEEK_END else super().seek(offset, whence)

    with ScriptedServer(Account()) as server, pytest.raises(ProviderError, match="at most"):
        fireworks(server).upload("t.jsonl", Huge(b"x"))
    assert server.asked == []


def test_a_file_id_is_one_that_requests_may_name() -> None:
    with ScriptedServer(lambda _: Reply(dataset_document())) as server:
        file = fireworks(server).file("file-data-1")
    assert (file.id, is_at_provider(file.id)) == ("file-data-1", True)
    assert server.asked[0].path == f"{DATASETS}/data-1"


def test_a_dataset_that_failed_says_why() -> None:
    bad = dataset_document("UPLOADING", status={"code": "INVALID_ARGUMENT", "message": "line 3"})
    with ScriptedServer(lambda _: Reply(bad)) as server:
        file = fireworks(server).file("data-1")
    assert (file.state, file.detail) == (FileState.ERROR, "line 3")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, ErrorKind.SERVER), (404, ErrorKind.NOT_FOUND), (302, ErrorKind.SERVER)],
)
def test_a_signature_that_has_run_out_is_no_word_about_the_key(
    status: int, kind: ErrorKind
) -> None:
    def script(asked: Asked) -> Reply:
        if asked.path == "/signed":
            return Reply(b"SignatureDoesNotMatch", status, {"location": "http://127.0.0.1:1"})
        address = f"http://127.0.0.1:{server.port}/signed?sig=secret"
        return Reply({"filenameToSignedUrls": {"data.jsonl": address}})

    with ScriptedServer(script) as server, pytest.raises(ProviderError) as caught:
        fireworks(server).result_file("data-1")
    assert caught.value.kind is kind
    assert "secret" not in str(caught.value)

"""What goes out to Together: once, to whom it may, and not after an objection."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, Reply
from tests.worker.test_openai_dripping import TIMEOUT_S, dripping
from tests.worker.together_support import ENDPOINTS, JOBS, job, serving, spec, together

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import FileState, ProviderError
from tuneq_worker.providers.registry import build_provider
from tuneq_worker.providers.together.adapter import TogetherProvider

FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 2,
    "created_at": 1000,
    "filename": "t.jsonl",
    "FileType": "jsonl",
    "purpose": "fine-tune",
    "processing_status": "QUEUED",
}
DEPLOYMENTS = f"{ENDPOINTS}/ep_1/deployments"
DEPLOYMENT = {"id": "dep_1", "name": "me/tuneq-x/tuneq-x", "status": {"state": "x"}}
TUNED = job(status="completed", model_output_name="tuned", model_object_id="ml_1")


def replies(put: str) -> dict[tuple[str, str], Any]:
    where = {"Location": put, "X-Together-File-Id": "file-1"}
    return {
        ("GET", JOBS): {"data": [TUNED]},
        ("GET", f"{JOBS}/ft-1"): TUNED,
        ("POST", JOBS): job(suffix="tq-abc-1"),
        ("POST", "/v1/files"): Reply({}, 302, where),
        ("PUT", "/put"): {},
        ("POST", "/v1/files/file-1/preprocess"): FILE,
        ("GET", ENDPOINTS): {"data": [{"id": "ep_1", "name": "me/tuneq-x"}]},
        ("GET", "/v2/projects/proj/models/ml_1"): {},
        ("GET", "/v2/projects/proj/configs"): {"data": [{"id": "cr_1", "projectId": "p"}]},
        ("POST", DEPLOYMENTS): DEPLOYMENT,
    }


CALLS: dict[tuple[str, str], Callable[[TogetherProvider, Check | None], object]] = {
    ("POST", JOBS): lambda it, check: it.create_job(spec(), check),
    ("PUT", "/put"): lambda it, check: it.upload("t.jsonl", io.BytesIO(b"{}"), check),
    ("POST", DEPLOYMENTS): lambda it, check: it.deploy("tuned", "tuneq-x", check),
}


class LostError(Exception):
    """What a check says."""


def arrived(asked: list[Asked], call: tuple[str, str]) -> list[Asked]:
    return [each for each in asked if (each.method, each.path) == call]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("looks", [0, 1])  # before anything goes, and between head and body
def test_what_a_check_objects_to_is_not_sent_and_later_requests_are(
    call: tuple[str, str], looks: int
) -> None:
    seen = 0

    def lost() -> None:
        nonlocal seen
        seen += 1
        if seen > looks:
            raise LostError

    with serving({}) as server:
        here = replies(f"http://127.0.0.1:{server.port}/put")
        server.script = lambda asked: _reply(here, asked)
        account = together(server.port, project="proj")
        with pytest.raises(LostError) as caught:
            CALLS[call](account, lost)
        assert caught.value.__context__ is None  # the SDK's error holds the key
        assert not any(each.body for each in arrived(server.asked, call))
        CALLS[call](account, lambda: None)
        assert len([each for each in arrived(server.asked, call) if each.body]) == 1


def test_the_key_goes_to_the_account_alone_and_a_storage_says_nothing_of_it() -> None:
    with serving({("PUT", "/put"): Reply({}, 403)}) as storage, serving({}) as server:
        here = replies(f"http://localhost:{storage.port}/put")
        server.script = lambda asked: _reply(here, asked)
        with pytest.raises(ProviderError) as caught:
            together(server.port).upload("t.jsonl", io.BytesIO(b"{}"))
    (put,) = storage.asked
    assert "authorization" not in put.headers
    assert put.body == b"{}"
    assert caught.value.kind is ErrorKind.SERVER


def test_the_key_goes_to_no_other_port_of_its_host() -> None:
    with serving({("PUT", "/put"): {}, ("GET", f"{JOBS}/ft-1"): TUNED}) as other:
        there = f"http://127.0.0.1:{other.port}"
        away = Reply({}, 307, {"location": f"{there}{JOBS}/ft-1"})
        here = {**replies(f"{there}/put"), ("GET", f"{JOBS}/ft-1"): away}
        with serving(here) as server:
            account = together(server.port)
            account.upload("t.jsonl", io.BytesIO(b"{}"))
            assert account.job("ft-1").fine_tuned_model == "tuned"
    assert len(other.asked) == 2
    assert KEY not in str([asked.headers for asked in other.asked])


def test_a_conflict_that_names_no_file_is_an_error_of_the_port() -> None:
    told = {("POST", "/v1/files"): Reply({"error": {"message": "busy"}}, 409)}
    with serving(told) as server, pytest.raises(ProviderError) as caught:
        together(server.port).upload("t.jsonl", io.BytesIO(b"{}"))
    assert caught.value.kind is ErrorKind.MALFORMED


@pytest.mark.parametrize("status", [400, 404])
def test_a_file_whose_bytes_never_came_is_not_there(status: int) -> None:
    empty = {**FILE, "bytes": 0, "processing_status": None}
    known = {
        ("GET", "/v1/files"): {"data": [empty]},
        ("POST", "/v1/files/file-1/preprocess"): Reply({"error": {"message": "empty"}}, status),
    }
    with serving(known) as server:
        assert together(server.port).find_file("t.jsonl") is None


def test_equal_contents_are_one_file() -> None:
    there = {**FILE, "filename": "other.jsonl", "processing_status": "COMPLETED"}
    known = {
        ("POST", "/v1/files"): Reply({"file_id": "file-1"}, 409),
        ("GET", "/v1/files/file-1"): there,
    }
    with serving(known) as server:
        sent = together(server.port).upload("t.jsonl", io.BytesIO(b"{}"))
    assert (sent.id, sent.state) == ("file-1", FileState.READY)


@pytest.mark.parametrize(
    ("fields", "state", "detail"),
    [
        ({"processing_status": "RUNNING"}, FileState.PENDING, ""),
        ({"processing_status": "SOMETHING_NEW"}, FileState.PENDING, ""),
        ({"processing_status": None}, FileState.READY, ""),
        ({"processing_status": None, "bytes": 0}, FileState.PENDING, ""),
        ({"processing_status": "FAILED"}, FileState.ERROR, "FAILED"),
        (
            {"processing_status": "INVALID_FORMAT", "validation_report": {"error": "line 3"}},
            FileState.ERROR,
            "line 3",
        ),
    ],
)
def test_a_file_is_ready_once_it_was_looked_through(
    fields: dict[str, Any], state: FileState, detail: str
) -> None:
    with serving({("GET", "/v1/files/file-1"): {**FILE, **fields}}) as server:
        file = together(server.port).file("file-1")
    assert (file.state, file.detail) == (state, detail)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(drop=True), ErrorKind.NETWORK),
        (Reply({}, 307, {"location": "/elsewhere"}), ErrorKind.MALFORMED),
        (Reply(b"<html>"), ErrorKind.MALFORMED),
        (Reply({"error": {"message": KEY}}, 500), ErrorKind.SERVER),
        (Reply({"error": {"message": KEY}}, 402), ErrorKind.QUOTA),
        (Reply(b"busy", 429, {"x-ratelimit-reset": "2"}), ErrorKind.RATE),
    ],
)
def test_a_creation_is_sent_once_and_never_shows_the_key(reply: Reply, kind: ErrorKind) -> None:
    with serving({("POST", JOBS): reply}) as server, pytest.raises(ProviderError) as caught:
        together(server.port).create_job(spec())
    assert len(server.asked) == 1
    assert caught.value.kind is kind
    assert KEY not in repr(caught.value) + str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.retry_after_s == (2.0 if kind is ErrorKind.RATE else None)


def test_an_answer_that_does_not_end_is_given_up() -> None:
    with dripping() as server, pytest.raises(ProviderError) as caught:
        together(server.port, TIMEOUT_S).create_job(spec())
    assert caught.value.kind is ErrorKind.NETWORK
    assert "in time" in str(caught.value)


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "PROJECT_ID", "BASE_URL"):
        monkeypatch.setenv(f"TOGETHER_{name}", "http://127.0.0.1:9")
    monkeypatch.setenv("TOGETHER_CUSTOM_HEADERS", "authorization: Bearer other\nX-Foreign: x")
    identity = {"type": "project_api_key", "project": {"id": "proj"}}
    with serving({("GET", "/v3/whoami"): identity, ("GET", ENDPOINTS): {"data": []}}) as server:
        assert list(together(server.port).all_deployments()) == []
    assert {each.headers["authorization"] for each in server.asked} == {f"Bearer {KEY}"}
    assert not any("x-foreign" in each.headers for each in server.asked)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": {"projekt": "p"}}, r"accounts\.lab\.options\.projekt"),
        ({"options": {"inactive_timeout_min": 5}}, "inactive_timeout_min"),
        ({"options": {"configs": {"base": "cr_1"}}}, "configs"),
        ({"capabilities": {"metadata": False}}, "nothing would tell a purchase"),
    ],
)
def test_a_wrong_profile_is_refused_by_name(fields: dict[str, Any], words: str) -> None:
    profile = {"dialect": "together", "base_url": "http://127.0.0.1:9", **fields}
    with pytest.raises(ConfigurationError, match=words):
        build_provider("lab", Account.model_validate(profile), SecretStr(KEY), 1.0)


def _reply(known: dict[tuple[str, str], Any], asked: Asked) -> Reply:
    told = known.get((asked.method, asked.path), Reply({"error": {"message": "no"}}, 404))
    return told if isinstance(told, Reply) else Reply(told)

"""What a request may not do through a foreign door: refused with the reason, nothing read."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from tests.worker.doors_site import Site, request

from tuneq_shared.domain.request import MAX_REQUEST_BYTES
from tuneq_shared.ports.fleet import ModelList
from tuneq_worker.doors.redaction import MAX_KEPT
from tuneq_worker.doors.sending import request_bytes

DIGEST = "0" * 64
SECRET = "verysecretvalue7"
SCORED = {"dataset": "data:t.jsonl"}


@pytest.fixture
def site(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEQ_CONFIG", raising=False)
    made = Site(redis_url, store_prefix, tmp_path)
    (tmp_path / "outside.jsonl").write_text("{}\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "t.jsonl").write_text("{}\n")
    for place in (made.root, made.allowed):
        (place / "link.jsonl").symlink_to(tmp_path / "outside.jsonl")
        (place / "linked").symlink_to(tmp_path / "outside")
        (place / "loop").symlink_to(place / "loop")
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all files that are opened from now on."""
    paths: list[str] = []
    really = LocalFileSystem.open

    def noted(self: Any, path: str, *args: Any, **kwargs: Any) -> Any:
        paths.append(path)
        return really(self, path, *args, **kwargs)

    monkeypatch.setattr(LocalFileSystem, "open", noted)
    return paths


FILES = [
    ("/etc/passwd", "plain path"),
    ("t.jsonl", "plain path"),
    ("../root/t.jsonl", "plain path"),
    ("~/t.jsonl", "plain path"),
    ("simplecache::file:///etc/passwd", "plain path"),
    ("data:../outside.jsonl", "under the data root"),
    ("data:a/../../outside.jsonl", "under the data root"),
    ("data:/etc/passwd", "under the data root"),
    ("data:..\\outside.jsonl", "under the data root"),
    ("data:", "under the data root"),
    ("data:link.jsonl", "link that leads out"),
    ("data:linked/t.jsonl", "link that leads out"),
    ("data:loop", "data:loop"),
    ("data:absent.jsonl", "is not there"),
    ("data:t.jsonl\0", "does not name a file under the data root"),
    (f"data:{'x' * 1000}", "cannot be read"),
    ("data:linked", "link that leads out"),
    ("file:///etc/passwd", "allowed root"),
    ("file://{folder}/outside.jsonl", "allowed root"),
    ("file://{folder}/allowed/../outside.jsonl", "allowed root"),
    ("file://{folder}/allowed-not/t.jsonl", "allowed root"),
    ("file://{folder}/allowed/link.jsonl", "link that leads out"),
    ("file://{folder}/allowed/linked/t.jsonl", "link that leads out"),
    ("local:///etc/passwd", "allowed root"),
    ("http://127.0.0.1:9/t.jsonl", "allowed root"),
    ("https://example.org/t.jsonl", "allowed root"),
    ("zip://t.jsonl::file:///etc/passwd", "allowed root"),
    ("s3://bucket/t.jsonl", "allowed root"),
    ("sha256:../../etc/passwd", "not a sha256 digest"),
    (f"sha256:{DIGEST}/../../t", "not a sha256 digest"),
    (f"sha256:{DIGEST}", "is not there"),
    ("", "training_file"),
    ("data:" + "d/" * 1100, "training_file"),
]


@pytest.mark.parametrize(("reference", "reason"), FILES)
def test_files_that_may_not_be_named(
    site: Site, opened: list[str], reference: str, reason: str
) -> None:
    reference = reference.replace("{folder}", str(site.folder))
    site.send(request("bad", training_file=reference))
    site.send(request("good"))
    site.take_all()
    assert site.names() == ["good"]
    (told,) = site.rejected()
    assert reason in told["reason"]
    assert not [path for path in opened if "outside" in path or "etc" in path or "link" in path]


@pytest.mark.parametrize("reference", ["/etc/passwd", "data:link.jsonl", "http://127.0.0.1:9/x"])
@pytest.mark.parametrize("field", ["validation_file", "evaluation"])
def test_other_files_are_held_to_the_same(site: Site, field: str, reference: str) -> None:
    value: Any = {"dataset": reference} if field == "evaluation" else reference
    site.send(request("bad", **{field: value}))
    site.take_all()
    assert site.names() == []
    assert len(site.rejected()) == 1


@pytest.mark.parametrize(
    "reference", ["data:t.jsonl", "file://{folder}/allowed/t.jsonl", "file-abc123"]
)
def test_files_that_may_be_named(site: Site, reference: str) -> None:
    reference = reference.replace("{folder}", str(site.folder))
    site.send(request("good", training_file=reference))
    site.take_all()
    assert site.names() == ["good"]


def deep(levels: int) -> bytes:
    head = b'{"model":"m","training_file":"data:t.jsonl","labels":'
    return head + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"model": NaN}', "not JSON"),
        (b"null", "a JSON object"),
        (b'["model"]', "a JSON object"),
        (b"{}", "model: Field required"),
        (deep(20), "nested deeper"),
        (deep(900), "nested deeper"),
        (deep(20_000), "not JSON"),
        (deep(40_000), "larger than"),
        (b" " * (MAX_REQUEST_BYTES + 1), "larger than"),
        (b'{"labels": "' + b"x" * 5_000_000 + b'"}', "larger than"),
        (request("x", account="nobody"), "'nobody' is not configured"),
        (request("x", modell="m"), "modell: unknown field (did you mean model?)"),
        (request("x", training_file="file-abc", samples={"n": 3}), "samples"),
        (request("../x"), "name"),
        (request("x", group="a b"), "group"),
        (request("x", seed=10**30), "seed"),
        (request("x", labels={str(n): "" for n in range(17)}), "labels"),
        (request("x", evaluation=SCORED | {"scorer": "absent"}), "no scorer 'absent'"),
        (request("x", evaluation=SCORED | {"scorer": "regex"}), "pattern: Field required"),
        (request("x", evaluation=SCORED | {"scorer_options": {"a": 1}}), "a: unknown field"),
        (request("x", api_key=SECRET), "api_key is named like a secret"),
        (request("x", method={"supervised": {"token": SECRET}}), "token is named like a secret"),
        ({f"field{n}": 1 for n in range(4000)}, "unknown field"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_valid_request(site: Site, opened: list[str], sent: Any, reason: str) -> None:
    site.send(sent)
    site.send(request("good"))
    site.take_all()
    assert site.names() == ["good"]
    (told,) = site.rejected()
    assert reason in told["reason"]
    assert len(told["reason"]) <= MAX_KEPT
    assert len(told["request"]) <= MAX_KEPT
    assert len(opened) == 1  # of the good one


KEY = f"sk-proj-{SECRET}-0123456789"


@pytest.mark.parametrize("by_task", [False, True])
@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"labels": {"team": KEY}}, "labels.team"),
        ({"labels": {KEY: "x"}}, "a name in labels"),
        ({"labels": {"password": SECRET}}, "labels.password"),
        ({"suffix": f"Bearer {SECRET}0123"}, "suffix"),
        ({"name": KEY}, "name"),
        ({"idempotency_key": KEY}, "idempotency_key"),
        ({"training_file": f"s3://me:{SECRET}@bucket/t.jsonl"}, "training_file"),
        ({"validation_file": f"https://example.org/t?sv=1&sig={SECRET}"}, "validation_file"),
        (
            {"evaluation": {"dataset": f"https://a/t?X-Amz-Signature={SECRET}"}},
            "evaluation.dataset",
        ),
    ],
)
def test_a_request_that_carries_a_secret_makes_no_run(
    *,
    site: Site,
    opened: list[str],
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
    place: str,
    by_task: bool,
) -> None:
    sent = {**request("x"), **fields}
    site.send(request_bytes([sent], {}) if by_task else sent)
    site.take_all()
    (told,) = site.rejected()
    assert told["reason"].startswith(place)
    assert "never carries" in told["reason"]
    assert SECRET not in str(told) + caplog.text
    assert (site.names(), site.left(), opened) == ([], 0, [])


def test_the_size_that_a_request_may_have_is_configured(site: Site) -> None:
    long = request("long", labels={"a": "x" * 400})
    size = len(json.dumps(long))
    site.send(long)
    site.take_all(site.taker(longest=size - 1))
    (told,) = site.rejected()
    assert f"has {size:,} bytes, larger than the {size - 1:,} that are taken" in told["reason"]
    site.send(long)
    site.take_all(site.taker(longest=size))
    assert site.names() == ["long"]


@pytest.mark.parametrize(
    "sent",
    [
        request("x", api_key=SECRET),
        request("x", API_KEY=SECRET, modell=1),
        request("x", credentials={"user": [SECRET]}),
        request("x", method={"supervised": {"Authorization": f"Bearer {SECRET}"}}),
        request("x", openaiToken=SECRET, account="nobody"),
        request("x", client_secret=SECRET),
        request("x", password=SECRET),
        request("x", account="nobody", labels={"api-key": SECRET}),
        request("x", account="nobody", suffix=f"sk-{SECRET}"),
        request("x", training_file=f"https://user:{SECRET}@example.org/t"),
        request("x", training_file=f"https://example.org/t?X-Amz-Signature={SECRET}"),
        request("x", account="nobody", suffix=f"api_key={SECRET}"),
        {f"sk-{SECRET}": 1},
        [{"api_key": SECRET}],
        {"request": json.dumps({"api_key": SECRET})},
        b'{"api_key": "%s"' % SECRET.encode(),
        b'{"model": "m", "password": {"a": ["%s' % SECRET.encode(),
        b"api_key = %s" % SECRET.encode(),
        b"Authorization: Bearer %s" % SECRET.encode(),
        b'{"api_key": "%s", "labels": "%s"}' % (SECRET.encode(), b"x" * MAX_REQUEST_BYTES),
        json.dumps({"\u0061pi_key": SECRET}).replace("api_key", "\\u0061pi_key").encode(),
    ],
    ids=lambda value: str(value)[:60],
)
def test_secrets_are_not_kept(site: Site, sent: Any, caplog: pytest.LogCaptureFixture) -> None:
    site.send(sent)
    site.take_all()
    (told,) = site.rejected()
    assert SECRET not in str(told)
    assert SECRET not in caplog.text
    assert site.left() == 0


def test_what_only_sounds_like_a_secret_is_kept(site: Site) -> None:
    evaluation = {"dataset": "data:t.jsonl", "max_tokens": 8}
    sent = request("x", account="nobody", idempotency_key="mine", evaluation=evaluation)
    site.send(sent)
    site.take_all()
    (told,) = site.rejected()
    assert json.loads(told["request"]) == sent


def test_what_the_account_cannot_do_or_has_ended_is_refused_with_the_reason(site: Site) -> None:
    gone = date(2001, 2, 3)
    site.fleet.tell_models("main", ModelList(end_dates={"old": gone}, seen_at=1.0))
    site.send(request("fits"))
    site.send(request("unable", method={"supervised": {"hyperparameters": {"lora_r": 8}}}))
    site.send(request("ended", model="old"))
    baselines = {"dataset": "data:t.jsonl", "baselines": [{"model": "old"}]}
    site.send(request("scored", evaluation=baselines))
    site.take_all()
    assert site.names() == ["fits"]
    reasons = [told["reason"] for told in site.rejected()]
    site.fleet.tell_models("main", ModelList(end_dates={"m": gone}, seen_at=1.0))
    site.send(request("fits"))  # the same run, which is there
    site.take_all()
    assert len(site.rejected()) == len(reasons)
    assert "account main: hyperparameters lora_r" in reasons[0]
    assert reasons[1:] == ["model old of account main ended on 2001-02-03"] * 2
    assert all("[accounts.main." in told["hint"] for told in site.rejected())

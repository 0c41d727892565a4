"""What `tuneq submit` refuses before it makes anything: secrets, and requests without measure."""

import json
from typing import Any

import pytest
from tests.producer.producer_site import Site

SECRET = "sk-proj-abcdefghij0123456789abcdefghij"
SIGNED = "https://example.org/t.jsonl?X-Amz-Signature=00ff00ff"
PASSWORD = "s3://me:correcthorse@bucket/t.jsonl"

FLAGS: list[tuple[list[str], str]] = [
    (["--label", f"team={SECRET}"], "labels.team"),
    (["--label", "api_key=correct7horse"], "labels.api_key"),
    (["--label", f"{SECRET}=x"], "a name in labels"),
    (["--label", SECRET], "NAME=VALUE"),
    (["--name", SECRET], "name"),
    (["--group", SECRET], "group"),
    (["--suffix", SECRET], "suffix"),
    (["--idempotency-key", SECRET], "idempotency_key"),
    (["--account", SECRET], "account"),
    (["--validation", SIGNED], "validation_file"),
    (["--evaluate", PASSWORD], "evaluation.dataset"),
]


@pytest.mark.parametrize(("flags", "place"), FLAGS)
def test_flags_with_a_secret_are_refused_without_quoting_it(
    site: Site, flags: list[str], place: str
) -> None:
    result = site.tuneq("submit", "--train", site.data("t.jsonl"), "--model", "m", *flags)
    assert_refused(site, result, place)


@pytest.mark.parametrize("reference", [SIGNED, PASSWORD])
def test_a_training_file_with_a_secret_is_refused(site: Site, reference: str) -> None:
    assert_refused(site, site.tuneq("submit", "--train", reference, "--model", "m"), "training")


@pytest.mark.parametrize("name", ["m.jsonl", "m.yaml", "m.csv"])
def test_manifests_with_a_secret_are_refused_with_its_row(site: Site, name: str) -> None:
    site.data("t.jsonl")
    path = site.folder / name
    if name == "m.csv":
        path.write_text(f"model,training_file,labels.team\nm,t.jsonl,red\nm,t.jsonl,{SECRET}\n")
    else:
        row: dict[str, Any] = {"model": "m", "training_file": "t.jsonl"}
        rows = [json.dumps({**row, "labels": {"team": team}}) for team in ("red", SECRET)]
        start = "- " if name == "m.yaml" else ""
        path.write_text("".join(f"{start}{row}\n" for row in rows))
    result = site.tuneq("submit", "--manifest", path)
    assert_refused(site, result, "labels.team")
    assert "row 2" in result.stderr


@pytest.mark.parametrize("field", ["--dataset", "--shots-from"])
def test_an_evaluation_takes_none_either(site: Site, field: str) -> None:
    words = {"--dataset": site.data("e.jsonl"), "--shots-from": site.data("t.jsonl"), field: SIGNED}
    flags = [word for pair in words.items() for word in pair]
    result = site.tuneq("evaluate", "--model", "m", "--shots", 1, *flags)
    assert_refused(site, result, field)


def assert_refused(site: Site, result: Any, place: str) -> None:
    assert result.exit_code == 2
    assert place in result.stderr
    for quoted in (SECRET, "00ff00ff", "correcthorse", "correct7horse"):
        assert quoted not in result.stdout + result.stderr
    assert site.runs() == []


def test_the_size_that_a_request_may_have_is_configured(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--train", site.data("t.jsonl"), "--model", "m", "--label", f"a={'x' * 300}"]
    monkeypatch.setenv("TUNEQ_MAX_REQUEST_BYTES", "300")
    result = site.tuneq("submit", *words)
    assert result.exit_code == 2
    assert "bytes, larger than the 300 that are taken" in result.stderr
    monkeypatch.setenv("TUNEQ_MAX_REQUEST_BYTES", "3000")
    assert len(site.ids(*words)) == 1

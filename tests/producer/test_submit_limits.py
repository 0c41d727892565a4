"""What `tuneq submit` refuses for the account's sake: what it cannot do, and what has ended."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.producer.producer_site import Site

from tuneq_shared.ports.fleet import ModelList

TODAY = datetime.now(UTC).date()
SOON, GONE = TODAY + timedelta(days=30), TODAY - timedelta(days=2)  # a night does no harm


def configure(site: Site, words: str) -> None:
    path = site.folder / "tuneq.toml"
    path.write_text(f"{path.read_text()}{words}\n")


def list_models(site: Site, **end_dates: date) -> None:
    site.client().fleet.tell_models("main", ModelList(count=9, end_dates=end_dates, seen_at=1.0))


def submit(site: Site, *words: object) -> Any:
    train, evaluation = site.data("t.jsonl"), site.data("e.jsonl")
    return site.tuneq(
        "submit", "--train", train, "--model", "m", "--evaluate", evaluation, "--baseline", "b",
        *words,
    )  # fmt: skip


def test_what_the_account_cannot_do_is_refused_before_anything_is_staged(site: Site) -> None:
    configure(site, "[accounts.main.capabilities]\nsuffix_length = 5")
    result = submit(site, "--suffix", "toolong")
    assert result.exit_code == 2
    assert "account main: suffix of 7 characters: at most 5" in result.stderr
    assert "[accounts.main.capabilities]" in result.stderr
    assert site.runs() == []
    assert not (site.folder / "tuneq-data").exists()


def test_a_row_of_a_manifest_is_told(site: Site) -> None:
    site.data("t.jsonl")
    row = {"model": "m", "training_file": "t.jsonl"}
    odd = {**row, "method": {"supervised": {"hyperparameters": {"lora": True}}}}
    (site.folder / "m.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(odd)}\n")
    result = site.tuneq("submit", "--manifest", "m.jsonl")
    assert result.exit_code == 2
    assert "row 2" in result.stderr
    assert "lora: it takes n_epochs" in result.stderr


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_near_ends_are_told_once_and_nothing_is_refused(site: Site, dry: tuple[str, ...]) -> None:
    configure(site, f"[accounts.main.capabilities]\nend_date = {SOON}")
    list_models(site, m=SOON, b=SOON, other=GONE)
    result = submit(site, *dry)
    assert result.exit_code == 0
    told = [line for line in result.stderr.splitlines() if str(SOON) in line]
    assert [line.split(" of ")[0].split(" takes ")[0] for line in told] == [
        "warning: account main",
        "warning: model b",
        "warning: model m",
    ]
    assert "other" not in result.stderr


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("configured", "listed", "complaint"),
    [
        (f"[accounts.main.capabilities]\nend_date = {GONE}", {}, "account main took its last"),
        (f"[accounts.main.end_dates]\nm = {GONE}", {}, "model m of account main ended"),
        ("", {"m": GONE}, "model m of account main ended"),
        ("", {"b": GONE}, "model b of account main ended"),
    ],
)
def test_past_the_last_day_nothing_is_made(
    site: Site, configured: str, listed: dict[str, date], complaint: str, dry: tuple[str, ...]
) -> None:
    configure(site, configured)
    list_models(site, **listed)
    result = submit(site, *dry)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert "if the day is wrong, set" in result.stderr
    assert (site.runs(), (site.folder / "tuneq-data").exists()) == ([], False)


def test_the_same_request_again_is_the_same_run_past_the_last_day_too(site: Site) -> None:
    submitted = submit(site)
    assert submitted.exit_code == 0
    list_models(site, m=GONE)
    again = submit(site)
    assert (again.exit_code, again.stdout) == (0, submitted.stdout)
    assert "model m of account main ended" in again.stderr
    assert submit(site, "--name", "new").exit_code == 2
    assert len(site.runs()) == 1


def test_the_configuration_corrects_what_the_provider_tells(site: Site) -> None:
    list_models(site, m=GONE)
    configure(site, f"[accounts.main.end_dates]\nm = {TODAY + timedelta(days=99)}")
    result = submit(site)
    assert (result.exit_code, len(site.runs())) == (0, 1)
    assert "model m" not in result.stderr


def test_a_rehearsal_without_redis_knows_the_configured_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://127.0.0.1:1/0")
    configure(site, f"[accounts.main.end_dates]\nm = {GONE}")
    result = submit(site, "--dry-run")
    assert result.exit_code == 2
    assert "only configured end dates are known" in result.stderr
    assert "model m of account main ended" in result.stderr

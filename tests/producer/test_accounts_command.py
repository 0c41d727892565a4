"""`tuneq accounts`: what is known of the configured accounts without their keys."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from tests.producer.producer_site import Site

from tuneq_producer.commands.accounts import accounts
from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import Queue
from tuneq_shared.domain.lifecycle import AccountStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.fleet import ModelList
from tuneq_shared.ports.items import NewItem
from tuneq_shared.redis_store.connection import connect

TODAY = datetime.now(UTC).date()


def told(site: Site, *words: str) -> dict[str, dict[str, Any]]:
    result = site.tuneq("accounts", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return {each["account"]: each for each in json.loads(result.stdout)["accounts"]}


def configure(site: Site, words: str) -> None:
    path = site.folder / "tuneq.toml"
    path.write_text(f"{path.read_text()}{words}\n")


def test_everything_configured_is_told_but_no_password(site: Site) -> None:
    configure(
        site,
        '[accounts.lab]\ndialect = "nebius"\nbase_url = "https://me:correcthorse@example.org/v0"\n'
        "[accounts.lab.limits]\nmax_active_jobs = 3\n"
        '[accounts.lab.capabilities]\nsuffix_length = 12\nend_date = "2031-02-03"\n',
    )
    found = told(site)
    assert list(found) == ["lab", "main", "other"]
    lab = found["lab"]
    assert (lab["dialect"], lab["default"]) == ("nebius", False)
    assert lab["base_url"] == "https://example.org/v0"
    assert lab["capabilities"]["suffix_length"] == 12
    assert lab["capabilities"]["metadata"] is False
    assert lab["capabilities"]["end_date"] == "2031-02-03"
    assert lab["days_left"] == (date(2031, 2, 3) - TODAY).days
    assert lab["limits"]["configured"]["max_active_jobs"] == 3
    assert found["main"]["prices"]["m"]["training"] == 100.0
    assert found["main"]["default"] is True
    for words in ([], ["lab"], ["--json"]):
        assert "correcthorse" not in site.tuneq("accounts", *words).output


def put_account(site: Site, stage: AccountStage, failure: Failure) -> None:
    account = AccountState(id="main", stage=stage, failure=failure)
    item = NewItem(item=account.item, stage=stage, fixed=fixed_part(account), doc=document(account))
    site.client().items.create([item])


def test_health_is_what_live_workers_say(site: Site) -> None:
    assert told(site)["main"]["health"]["reason"] == "no worker is at work"
    site.worker("w1", Queue.RUNS, main="the key is missing")
    health = told(site)["main"]["health"]
    assert (health["ok"], health["reason"]) == (False, "no worker can use it")
    assert health["not_usable_by"] == {"w1": "the key is missing"}
    site.worker("w2", main="")
    health = told(site)["main"]["health"]
    assert (health["ok"], health["reason"], health["usable_by"]) == (True, "", ["w2"])
    assert told(site)["other"]["health"]["not_usable_by"]["w2"] == "does not know it"


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (AccountStage.STOPPED, "stopped: insufficient_quota: no money"),
        (AccountStage.ACTIVE, "no news of its jobs: insufficient_quota: no money"),
    ],
)
def test_a_stopped_or_silent_account_is_not_well(
    site: Site, stage: AccountStage, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # so that the table keeps the reason on one line
    site.worker("w", main="")
    put_account(site, stage, Failure("insufficient_quota", "no money"))
    health = told(site, "main")["main"]["health"]
    assert (health["ok"], health["reason"], health["usable_by"]) == (False, reason, ["w"])
    assert reason in site.tuneq("accounts").stdout


def test_an_account_of_a_newer_version_does_not_hide_the_others(
    site: Site, redis_url: str, store_prefix: str
) -> None:
    put_account(site, AccountStage.ACTIVE, Failure("x", "y"))
    redis: Any = connect(redis_url)
    redis.hset(f"{store_prefix}:item:account:main", "doc", '{"v": 99}')
    found = told(site)
    assert "cannot be read" in found["main"]["health"]["reason"]
    assert found["other"]["health"]["reason"] == "no worker is at work"


def test_models_are_those_that_a_worker_saw(site: Site) -> None:
    assert told(site)["main"]["models"] == {
        "count": 0, "seen_at": None, "trouble": "", "ends": [],
    }  # fmt: skip
    ends = {"late": TODAY + timedelta(days=9), "gone": TODAY - timedelta(days=9)}
    models = ModelList(count=7, end_dates=ends, seen_at=1.5e9, trouble="server: away")
    site.client().fleet.tell_models("main", models)
    seen = told(site)["main"]["models"]
    assert (seen["count"], seen["seen_at"]) == (7, "2017-07-14T02:40:00Z")
    assert [end["model"] for end in seen["ends"]] == ["gone", "late"]
    page = site.tuneq("accounts", "main").stdout
    assert str(ends["gone"]) in page
    assert "server: away" in page


def test_what_was_learnt_is_told(site: Site, redis_url: str, store_prefix: str) -> None:
    redis: Any = connect(redis_url)
    redis.hset(f"{store_prefix}:slots:main/m:learnt", "cap", 6)
    redis.hset(f"{store_prefix}:limits:main/ft:m:x", "requests:said", "480")
    limits = told(site)["main"]["limits"]
    assert [(each["model"], each["learnt"]) for each in limits["active_jobs"]] == [("m", 6)]
    assert [(each["model"], each["requests_per_minute"]) for each in limits["rates"]] == [
        ("ft:m:x", 480.0)
    ]
    page = site.tuneq("accounts", "main").stdout
    assert any(line.split()[:2] == ["m", "6"] for line in page.splitlines())
    assert "480" in page


def test_the_table_fits_a_narrow_terminal(site: Site) -> None:
    site.worker("w", main="")
    result = CliRunner(env={"COLUMNS": "80"}).invoke(accounts)
    rows = result.stdout.splitlines()
    assert max(map(len, rows)) <= 80
    assert any(row.startswith("main") and "good" in row for row in rows)


def test_an_unknown_name_is_wrong_usage(site: Site) -> None:
    result = site.tuneq("accounts", "nobody")
    assert result.exit_code == 2
    assert "configured accounts: main, other" in result.stderr

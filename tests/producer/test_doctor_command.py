"""`tuneq doctor`: what is judged how, and on a real Redis."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.producer.producer_site import Site

from tuneq_producer.doctor.finding import Status
from tuneq_producer.doctor.redis_server import (
    judge_latency,
    judge_memory,
    judge_persistence,
    judge_server,
)
from tuneq_producer.live_workers import lost_workers
from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import Queue
from tuneq_shared.domain.lifecycle import AccountStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.fleet import LOST_AFTER_S, ModelList, WorkerInfo
from tuneq_shared.ports.items import NewItem

OK, WARN, FAIL = Status.OK, Status.WARN, Status.FAIL


def checks(site: Site) -> tuple[int, dict[str, Any]]:
    result = site.tuneq("doctor", "--json")
    return result.exit_code, json.loads(result.stdout)


def messages(found: dict[str, Any], status: Status) -> str:
    return "\n".join(c["message"] for c in found["checks"] if c["status"] == status)


def test_a_sound_site_is_good(site: Site) -> None:
    site.worker("w1", main="", other="")
    code, found = checks(site)
    assert (code, found["ok"]) == (0, True)
    assert messages(found, FAIL) == ""
    assert "append-only file is on" in messages(found, OK)
    assert "main: usable by w1" in messages(found, OK)
    assert messages(found, WARN) == "other: http://example.org/v1"


def test_passwords_are_never_shown(site: Site, redis_url: str) -> None:
    password = redis_url.split(":")[2].split("@", maxsplit=1)[0]
    assert password
    for words in (["doctor"], ["doctor", "--json"]):
        result = site.tuneq(*words)
        assert "redis://127.0.0.1:" in result.stdout
        assert password not in result.stdout + result.stderr


def test_missing_workers_are_told(site: Site) -> None:
    code, found = checks(site)
    assert code == 0
    assert "queue runs" in messages(found, WARN)
    assert "queue evaluation" in messages(found, WARN)
    assert all(c["hint"] for c in found["checks"] if c["status"] != OK)


def test_an_account_that_no_worker_can_use_is_a_failure(site: Site) -> None:
    site.worker("w1", Queue.RUNS, main="the key is missing", other="")
    code, found = checks(site)
    assert (code, found["ok"]) == (1, False)
    assert "no worker can use account main: the key is missing" in messages(found, FAIL)


def put_account(site: Site, stage: AccountStage, failure: Failure) -> None:
    account = AccountState(id="main", stage=stage, failure=failure)
    item = NewItem(item=account.item, stage=stage, fixed=fixed_part(account), doc=document(account))
    site.client().items.create([item])


def test_a_stopped_account_is_a_failure_with_its_reason(site: Site) -> None:
    put_account(site, AccountStage.STOPPED, Failure("insufficient_quota", "no money"))
    code, found = checks(site)
    assert code == 1
    assert "insufficient_quota: no money" in messages(found, FAIL)
    assert "tuneq release --account main" in json.dumps(found)


def test_an_account_without_news_of_its_jobs_is_told(site: Site) -> None:
    put_account(site, AccountStage.ACTIVE, Failure("server", "all is down"))
    code, found = checks(site)
    assert code == 0
    assert "server: all is down" in json.dumps(found)


def test_another_data_root_is_a_failure(site: Site, tmp_path: Path) -> None:
    assert checks(site)[0] == 0
    config = site.folder / "tuneq.toml"
    config.write_text(f'data_url = "{tmp_path / "elsewhere"}"\n{config.read_text()}')
    code, found = checks(site)
    assert code == 1
    assert "not the one that this Redis knows" in messages(found, FAIL)


def test_redis_away_leaves_with_3(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://:hush@127.0.0.1:1/0")
    result = site.tuneq("doctor")
    assert result.exit_code == 3
    assert str(site.folder / "tuneq.toml") in result.stdout
    assert "hush" not in result.output


def test_ends_are_told_when_near_and_are_failures_when_over(site: Site) -> None:
    today = datetime.now(UTC).date()
    near, gone = today + timedelta(days=40), today - timedelta(days=2)
    config = site.folder / "tuneq.toml"
    config.write_text(f"{config.read_text()}[accounts.main.capabilities]\nend_date = {near}\n")
    models = {f"m{n}": near for n in range(7)} | {"far": today + timedelta(days=99)}
    site.client().fleet.tell_models("main", ModelList(end_dates=models, seen_at=1.0))
    site.client().fleet.tell_models("other", ModelList(trouble="server: away"))
    code, found = checks(site)
    assert code == 0
    told = messages(found, WARN)
    assert f"account main takes new jobs until {near}" in told
    assert f"model m0 of account main ends on {near}" in told
    assert "likewise m1, m2, m3, m4 and 2 more" in told
    assert "far" not in told
    assert "other: its models could not be listed: server: away" in told
    site.client().fleet.tell_models("other", ModelList(end_dates={"old": gone}, seen_at=1.0))
    code, found = checks(site)
    assert code == 1
    assert messages(found, FAIL) == f"model old of account other ended on {gone}"


class _Fleet:
    """Workers that spoke at given times, at the time 100."""

    def __init__(self, **seen_at: float) -> None:
        self._seen_at = seen_at

    def now(self) -> float:
        return 100.0

    def workers(self) -> list[WorkerInfo]:
        return [
            WorkerInfo(
                name=name, queues=(), concurrency=1, accounts={}, version="0", seen_at=seen_at
            )
            for name, seen_at in self._seen_at.items()
        ]


def test_workers_are_lost_after_a_silence() -> None:
    fleet: Any = _Fleet(live=101 - LOST_AFTER_S, lost=100 - LOST_AFTER_S)
    assert [(worker.name, age) for worker, age in lost_workers(fleet)] == [("lost", LOST_AFTER_S)]


def test_redis_is_judged_by_what_it_says_of_itself() -> None:
    one = {"cluster_enabled": 0}
    assert [f.status for f in judge_server({"redis_version": "7.2.4"}, one)] == [OK]
    assert [f.status for f in judge_server({"redis_version": "5.0.7"}, one)] == [FAIL]
    cluster = judge_server({"redis_version": "8.0.0"}, {"cluster_enabled": 1})
    assert [f.status for f in cluster] == [OK, FAIL]
    assert [f.status for f in judge_persistence({"aof_enabled": 0})] == [WARN]
    full = {"aof_enabled": 1, "aof_last_write_status": "err"}
    assert [f.status for f in judge_persistence(full)] == [FAIL]
    assert judge_memory({"maxmemory_policy": "allkeys-lru"}).status is FAIL
    assert judge_memory({"maxmemory_policy": "noeviction"}).status is OK
    assert judge_latency([1.0, 1.0, 900.0]).status is OK
    assert judge_latency([90.0, 80.0, 1.0]).status is WARN

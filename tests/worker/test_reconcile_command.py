"""`tuneq reconcile` as it is called, with the real adapter against a scripted account."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from tests.worker.conftest import OpenLab
from tests.worker.openai_support import JOBS, KEY, Asked, Reply, job_document, page
from tests.worker.openai_support import refusal as refused
from tests.worker.reconcile_books import LOST

from tuneq_shared.errors import ConfigurationError, RedisUnreachableError
from tuneq_worker.commands.reconcile import reconcile


class LabAccount:
    """Jobs that are listed and cancelled over HTTP."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.refuses = False

    def put(self, job_id: str, purchase: str | None, status: str = "running") -> None:
        metadata = {"tuneq_purchase": purchase, "tuneq_group": "g", "tuneq_name": job_id}
        fields = {"status": status, "metadata": metadata if purchase else None}
        self.jobs[job_id] = job_document(job_id, **fields)

    def answer(self, asked: Asked) -> Reply:
        if self.refuses:
            return refused(401, f"wrong key {KEY}")
        if asked.method == "POST":
            job = self.jobs[asked.path.removeprefix(f"{JOBS}/").removesuffix("/cancel")]
            job["status"] = "cancelled"
            return Reply(job)
        return page(list(self.jobs.values()))


@pytest.fixture
def lab() -> LabAccount:
    return LabAccount()


@pytest.fixture
def config(lab: LabAccount, open_lab: OpenLab) -> Path:
    """The configuration of a worker that has the key of `lab`, and not that of `other`."""
    return open_lab("lab", lab.answer)


def call(*words: str) -> Result:
    return CliRunner().invoke(reconcile, list(words))


def test_what_stands_open_is_told_and_cancelled_on_wish(lab: LabAccount, config: Path) -> None:
    lab.put("ftjob-lost", f"{LOST}/0")
    lab.put("ftjob-theirs", None)
    told = call()
    assert told.exit_code == 1
    assert "0 owned, 0 pending, 0 surplus, 1 orphan, 1 foreign" in told.stdout
    assert "ftjob-lost" in told.stdout
    assert "ftjob-theirs" not in told.stdout
    assert "submit the same requests again" in told.stderr
    done = call("--cancel")
    assert done.exit_code == 0
    assert "cancelled" in done.stdout
    assert lab.jobs["ftjob-theirs"]["status"] == "running"


def test_json_is_one_document(lab: LabAccount, config: Path) -> None:
    lab.put("ftjob-lost", f"{LOST}/0")
    lab.put("ftjob-old", f"{LOST}/1", "failed")
    result = call("--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"]) == (1, False)
    (account,) = document["accounts"]
    assert (account["account"], account["trouble"], account["open"]) == ("lab", None, 1)
    assert account["counts"]["orphan"] == 2
    first, second = account["jobs"]
    assert first == {
        "standing": "orphan",
        "job": "ftjob-lost",
        "status": "running",
        "open": True,
        "run": LOST,
        "purchase": f"{LOST}/0",
        "group": "g",
        "name": "ftjob-lost",
        "created_at": 1000.0,
        "note": "no such run here",
        "deed": None,
    }
    assert not second["open"]


def test_an_orphan_is_adopted(lab: LabAccount, config: Path) -> None:
    lab.put("ftjob-lost", f"{LOST}/0")
    adopted = call("--adopt")
    assert adopted.exit_code == 0
    assert "adopted as g/ftjob-lost" in adopted.stdout
    assert "1 owned" in call().stdout


def test_many_ended_orphans_are_not_all_shown(lab: LabAccount, config: Path) -> None:
    for number in range(30):
        lab.put(f"ftjob-{number}", f"{LOST}/{number}", "failed")
    result = call()
    assert result.exit_code == 0
    assert "and 10 more that have ended" in result.stdout
    assert len(json.loads(call("--json").stdout)["accounts"][0]["jobs"]) == 30


def test_an_account_without_a_key_is_said_and_the_others_are_looked_at(
    lab: LabAccount, config: Path
) -> None:
    other = '[accounts.other]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "NO_SUCH_KEY"\n'
    config.write_text(config.read_text() + other)
    result = call()
    assert result.exit_code == 1
    assert "account lab: 0 owned" in result.stdout
    assert "NO_SUCH_KEY is not set" in result.stdout
    assert call("--account", "lab").exit_code == 0
    assert call("--account", "other").exit_code == 1


def test_a_refusal_is_said_without_the_key(lab: LabAccount, config: Path) -> None:
    lab.refuses = True
    result = call("--json")
    assert result.exit_code == 1
    assert "wrong key" in json.loads(result.stdout)["accounts"][0]["trouble"]
    assert KEY not in result.output


def test_wrong_usage_changes_nothing(lab: LabAccount, config: Path) -> None:
    assert isinstance(call("--account", "nobody").exception, ConfigurationError)
    assert call("--no-such-option").exit_code == 2
    config.write_text(config.read_text().partition("[accounts")[0])
    assert isinstance(call().exception, ConfigurationError)


def test_redis_that_is_away_is_said(
    lab: LabAccount, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://127.0.0.1:9/0")
    assert isinstance(call().exception, RedisUnreachableError)


def test_an_account_without_metadata_is_said_to_be_one(lab: LabAccount, config: Path) -> None:
    config.write_text(config.read_text() + "[accounts.lab.capabilities]\nmetadata = false\n")
    lab.put("ftjob-theirs", None)
    result = call("--cancel")
    assert result.exit_code == 0
    assert "account lab keeps no metadata" in result.stdout
    assert "1 foreign" in result.stdout
    assert lab.jobs["ftjob-theirs"]["status"] == "running"
    refused = call("--adopt", "--json")
    (account,) = json.loads(refused.stdout)["accounts"]
    assert (refused.exit_code, account["keeps_metadata"]) == (1, False)
    assert "nothing is adopted" in account["trouble"]


def test_the_help_has_an_example() -> None:
    assert isinstance(reconcile, click.Command)
    assert "Example:" in call("--help").stdout

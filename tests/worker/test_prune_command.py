"""`tuneq prune` as it is called, with the real adapter against a scripted account."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.worker.conftest import OpenLab
from tests.worker.fakes import World
from tests.worker.openai_support import KEY, Asked, Reply
from tests.worker.openai_support import refusal as refused

from tuneq_shared.errors import DataRootError, RedisUnreachableError
from tuneq_worker.commands.prune import prune


class LabFiles:
    """Files that are deleted over HTTP."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.refuses = False

    def answer(self, asked: Asked) -> Reply:
        assert asked.method == "DELETE"
        if self.refuses:
            return refused(401, f"wrong key {KEY}")
        self.deleted.append(asked.path.rpartition("/")[2])
        return Reply({"id": self.deleted[-1], "object": "file", "deleted": True})


@pytest.fixture
def lab() -> LabFiles:
    return LabFiles()


@pytest.fixture
def config(
    lab: LabFiles, open_lab: OpenLab, redis_url: str, store_prefix: str, tmp_path: Path
) -> Path:
    """The configuration of a worker that has the key, and a run that has just ended."""
    world = World(redis_url, store_prefix, tmp_path / "data")
    world.drive_to_end(world.submit(**world.with_evaluation("first")))
    return open_lab("fake", lab.answer)


def call(*words: str) -> Result:
    return CliRunner().invoke(prune, list(words))


def test_what_is_young_stays_and_what_is_old_goes(lab: LabFiles, config: Path) -> None:
    young = call()
    assert young.exit_code == 0
    assert "archived: 0 runs, 0 evaluations; forgotten: 0 uploads" in young.stdout
    config.write_text("retention_days = 1\n" + config.read_text())
    assert "archived: 0 runs" in call().stdout
    rehearsed = call("--older-than", "0", "--dry-run")
    assert rehearsed.stdout == (
        "would be archived: 1 runs, 2 evaluations; would be forgotten: 1 uploads; "
        "would be deleted at the provider: 1 files\n"
    )
    assert lab.deleted == []
    done = call("--older-than", "0")
    assert done.stdout == rehearsed.stdout.replace("would be ", "")
    assert lab.deleted == ["file-1"]
    assert (config.parent / "data" / "archive").is_dir()


def test_json_is_one_document(lab: LabFiles, config: Path) -> None:
    lab.refuses = True
    result = call("--older-than", "0", "--json")
    document = json.loads(result.stdout)
    (files,) = document.pop("files")
    assert document == {
        "dry_run": False,
        "older_than_days": 0.0,
        "ok": False,
        "runs": 1,
        "evaluations": 2,
        "uploads": 1,
    }
    assert (files["account"], files["deleted"], files["left"]) == ("fake", 0, 1)
    assert files["trouble"]
    assert KEY not in result.output
    assert result.exit_code == 1
    lab.refuses = False
    assert json.loads(call("--json").stdout)["files"][0]["deleted"] == 1


def test_without_a_key_files_are_left(lab: LabFiles, config: Path) -> None:
    config.write_text(config.read_text().replace("LAB_KEY", "NO_SUCH_KEY"))
    result = call("--older-than", "0")
    assert result.exit_code == 1
    assert "NO_SUCH_KEY is not set" in result.stderr
    assert lab.deleted == []


def test_another_data_root_is_refused(config: Path) -> None:
    call()
    config.write_text(config.read_text().replace('"data"', '"other"'))
    result = call("--older-than", "0")
    assert isinstance(result.exception, DataRootError)


def test_redis_that_is_away_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://127.0.0.1:9/0")
    assert isinstance(call().exception, RedisUnreachableError)


@pytest.mark.parametrize("days", ["-1", "inf", "nan", "1e300", "36501"])
def test_days_are_so_many(config: Path, days: str) -> None:
    result = call("--older-than", days)
    assert result.exit_code == 2
    assert "is not in the range from 0 to 36500" in result.stderr


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_files_of_an_account_that_is_configured_no_more_are_told_of(
    lab: LabFiles, config: Path, words: tuple[str, ...]
) -> None:
    config.write_text(config.read_text().replace("[accounts.fake]", "[accounts.other]"))
    result = call("--older-than", "0", *words)
    assert result.exit_code == 1
    assert "account fake: 1 files are left" in result.stderr
    assert lab.deleted == []
    config.write_text(config.read_text().replace("[accounts.other]", "[accounts.fake]"))
    assert call("--older-than", "0").exit_code == 0
    assert lab.deleted == ["file-1"]

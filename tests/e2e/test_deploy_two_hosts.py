"""Workers on several hosts share one Redis and one data root, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.deploy_host import Fleet, Host
from tests.e2e.site import tuneq, until
from tests.sandbox.provider_server import ProviderServer, chat_lines

RUNS = 10
MODEL = "sandbox-base"


@pytest.fixture
def fleet(redis_url: str, store_prefix: str, tmp_path: Path) -> Iterator[Fleet]:
    with ProviderServer(tmp_path / "provider") as provider:
        yield Fleet(
            redis_url=redis_url,
            prefix=store_prefix,
            data_url=(tmp_path / "shared-root").as_uri(),
            provider_url=provider.url,
        )


def test_two_hosts_carry_a_group_to_the_end_and_a_stranger_is_refused(
    fleet: Fleet, tmp_path: Path
) -> None:
    first = Host.settled(tmp_path / "first", fleet.configuration())
    second = Host.settled(tmp_path / "second", fleet.configuration())
    desk = Host.settled(tmp_path / "desk", fleet.configuration())  # it has no key
    manifest = written_manifest(desk.folder)
    with first.worker("runs"), second.worker("runs,evaluation"):
        until(lambda: " ready." in first.log and " ready." in second.log, "both workers")
        submitted = tuneq("submit", "--manifest", manifest, config=desk.config, cwd=desk.folder)
        assert submitted.returncode == 0, submitted.stderr
        assert len(submitted.stdout.split()) == RUNS
        waited = tuneq("wait", "--group", "fleet", "--timeout", 120, config=desk.config)
        assert waited.returncode == 0, waited.stdout + waited.stderr + first.log + second.log
        done = first.tasks_done()
        assert set(done) == {"first", "second"}
        assert all(done.values()), done
        listed = tuneq("ls", "--group", "fleet", "--json", config=desk.config)
        assert json.loads(listed.stdout)["counts"] == {"succeeded": RUNS}

        another = (tmp_path / "another-root").as_uri()
        stranger = Host.settled(tmp_path / "stranger", fleet.configuration(another))
        with stranger.worker("runs") as process:
            assert process.wait(60) == 2, stranger.log
        assert "data_url" in stranger.log
        assert another in stranger.log
        assert " ready." not in stranger.log
        assert set(first.tasks_done()) == {"first", "second"}


def written_manifest(folder: Path) -> Path:
    """Ten requests with an evaluation, and their files beside them."""
    (folder / "train.jsonl").write_bytes(chat_lines(60))
    (folder / "val.jsonl").write_bytes(chat_lines(20, offset=1000))
    requests = [
        {
            "name": f"run-{number}",
            "group": "fleet",
            "model": MODEL,
            "training_file": "train.jsonl",
            "samples": {"n": 20 + number, "seed": number},
            "evaluation": {"dataset": "val.jsonl", "scorer": "exact"},
        }
        for number in range(RUNS)
    ]
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(request) + "\n" for request in requests))
    return path

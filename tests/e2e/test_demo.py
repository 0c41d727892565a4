"""The demo, as a newcomer runs it, and with its workers killed in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.site import processes_of, rows, started, tuneq, until

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"
)
# What a killed worker held is taken up sooner.
HASTE = {
    "TUNEQ_LEASE_S": "3",
    "TUNEQ_REQUEST_TIMEOUT_S": "4",
    "TUNEQ_PURCHASE_GRACE_S": "15",
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "made"
    done = tuneq("demo", "--dir", folder)
    assert done.returncode == 0, done.stderr
    assert "Tuned against baseline" in done.stdout
    assert "Training samples against accuracy" in done.stdout
    assert str(folder) in done.stdout.partition("Everything lies in")[2]
    assert not processes_of(folder)
    return folder


def test_more_samples_make_a_better_model(undisturbed: Path) -> None:
    found = {
        name: int(correct) / int(n) for name, _, _, correct, n in rows(undisturbed / "report.csv")
    }
    assert len(found) == 6
    assert found["samples-800"] > found["samples-200"] > found["samples-50"]
    assert found["samples-800"] > found["gpt-3.5-turbo"] + 0.2
    predictions = list((undisturbed / "data" / "evaluations").glob("*/predictions.jsonl"))
    assert len(predictions) == 6
    assert all(len(path.read_bytes().splitlines()) == 400 for path in predictions)


def test_again_in_the_same_folder_it_buys_nothing(undisturbed: Path) -> None:
    before = rows(undisturbed / "report.csv")
    done = tuneq("demo", "--dir", undisturbed)
    assert done.returncode == 0, done.stderr
    assert "5 of 5 were there already" in done.stderr
    assert rows(undisturbed / "report.csv") == before
    assert not processes_of(undisturbed)


def test_workers_killed_in_the_middle_change_nothing(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    with started("demo", "--dir", folder, more=HASTE) as demo:
        config = folder / "tuneq.toml"
        log = folder / "logs" / "worker1.log"
        until(lambda: log.exists() and "training" in log.read_text(), "a run in training")
        for name in ("worker1-", "evaluator1-"):
            _kill_worker(folder, name)
        assert config.exists()
        assert demo.wait(timeout=240) == 0
    assert rows(folder / "report.csv") == rows(undisturbed / "report.csv")
    assert not processes_of(folder)


def test_a_killed_demo_leaves_nothing_behind_and_goes_on(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    command = [sys.executable, "-m", "tuneq_producer", "demo", "--dir", str(folder)]
    demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **HASTE})
    log = folder / "logs" / "worker1.log"
    until(lambda: log.exists() and "uploading ->" in log.read_text(), "a run being uploaded")
    demo.kill()
    demo.wait()
    until(lambda: not processes_of(folder), "the end of all that the demo had started")
    done = tuneq("demo", "--dir", folder, more=HASTE)
    assert done.returncode == 0, done.stderr
    assert rows(folder / "report.csv") == rows(undisturbed / "report.csv")


def _kill_worker(folder: Path, name: str) -> None:
    workers = [pid for pid, command in processes_of(folder).items() if name in command]
    leashed = [pid for pid in workers if "leash" not in processes_of(folder).get(pid, "leash")]
    assert leashed
    for pid in leashed:
        os.kill(pid, signal.SIGKILL)

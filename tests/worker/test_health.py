"""The health command: judged by the worker's own sign of life in Redis."""

import socket
from dataclasses import replace

import pytest

from tuneq_shared.domain.item import Queue
from tuneq_shared.ports.fleet import LOST_AFTER_S, ModelList, WorkerInfo
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_worker.health import main, trouble_with_worker

NODE = f"worker@{socket.gethostname()}"
WORKER = WorkerInfo(
    name=NODE, queues=(Queue.RUNS,), concurrency=8, accounts={}, version="0", seen_at=1000.0
)


class FakeFleet:
    """A registry at a given time."""

    def __init__(self, now: float, *workers: WorkerInfo) -> None:
        self._now, self._workers = now, list(workers)

    def heartbeat(self, worker: WorkerInfo) -> None:
        self._workers.append(worker)

    def farewell(self, name: str) -> None:
        self._workers = [worker for worker in self._workers if worker.name != name]

    def workers(self) -> list[WorkerInfo]:
        return self._workers

    def tell_models(self, account: str, models: ModelList) -> None:
        """Nobody asks."""

    def models(self) -> dict[str, ModelList]:
        return {}

    def now(self) -> float:
        return self._now

    def claim_root(self, root: str) -> str:
        return root


@pytest.mark.parametrize(
    ("silent_s", "trouble"),
    [(0.0, ""), (LOST_AFTER_S - 0.1, ""), (LOST_AFTER_S, f"{NODE} fell silent 30 s ago")],
)
def test_a_worker_is_judged_by_its_silence(silent_s: float, trouble: str) -> None:
    assert trouble_with_worker(FakeFleet(1000.0 + silent_s, WORKER), NODE) == trouble


def test_another_hosts_worker_does_not_count() -> None:
    fleet = FakeFleet(1000.0, replace(WORKER, name="worker@elsewhere"))
    assert trouble_with_worker(fleet, NODE) == f"{NODE} is not at work"


@pytest.fixture
def fleet(redis_url: str, store_prefix: str, monkeypatch: pytest.MonkeyPatch) -> RedisFleet:
    monkeypatch.setenv("TUNEQ_REDIS_URL", redis_url)
    monkeypatch.setenv("TUNEQ_KEY_PREFIX", store_prefix)
    return RedisFleet(connect(redis_url), store_prefix)


def test_the_command_follows_the_worker(
    fleet: RedisFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["worker"]) == 1
    assert capsys.readouterr().err == f"{NODE} is not at work\n"
    fleet.heartbeat(WORKER)
    assert main(["worker"]) == 0
    assert main(["evaluator"]) == 1
    fleet.farewell(NODE)
    assert main(["worker"]) == 1


def test_redis_away_is_told_without_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://:hush@127.0.0.1:1/0")
    assert main(["worker"]) == 3
    said = capsys.readouterr().err
    assert "cannot be reached" in said
    assert "hush" not in said


def test_a_wrong_configuration_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUNEQ_LEASE_S", "never")
    assert main(["worker"]) == 2
    assert "lease_s" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), ([], 2), (["a", "b"], 2)])
def test_usage(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    said = capsys.readouterr()
    assert "python -m tuneq_worker.health NAME" in (said.err if code else said.out)

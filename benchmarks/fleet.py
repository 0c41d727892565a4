"""The whole system for a benchmark: server, Redis, one run worker, evaluators, each a process."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.chat_server import Options, argument
from tuneq_producer.client import Client, open_client
from tuneq_producer.views.awaited_evaluation import await_evaluation
from tuneq_sandbox.redis_server.embedded import EmbeddedRedis
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.settings import Account, Limits, Settings

ACCOUNT = "bench"
READY_S = 60.0


@dataclass(frozen=True)
class Fleet:
    """What is running."""

    client: Client
    url: str
    workers: list[int]  # process ids of the run workers
    evaluators: list[int]  # and of the evaluators
    folder: Path

    def stats(self) -> dict[str, Any]:
        """What the server has seen."""
        return server_stats(self.url)

    def evaluate(self, samples: int, name: str = "m") -> tuple[Evaluation, float]:
        """One evaluation of a model of that name, and its seconds from asking to the result."""
        begun = time.monotonic()
        staged = self.client.data.stage(dataset(self.folder, samples, name))
        spec = EvaluationSpec(
            account=ACCOUNT,
            model="m",
            dataset=str(staged),
            dataset_digest=staged.digest,
            scorer="exact",
            max_tokens=8,
            temperature=0.0,
        )
        evaluation, _ = await_evaluation(self.client, spec, None)
        return evaluation, time.monotonic() - begun

    def evaluate_all(self, sizes: dict[str, int]) -> dict[str, float]:
        """Several at once; the seconds of each."""
        with ThreadPoolExecutor(len(sizes)) as pool:
            done = {name: pool.submit(self.evaluate, n, name) for name, n in sizes.items()}
            return {name: future.result()[1] for name, future in done.items()}

    def cpu_s(self) -> float:
        """CPU seconds that the evaluators have used."""
        return sum(map(cpu_s, self.evaluators))


@contextmanager
def chat_server(options: Options) -> Iterator[str]:
    """Its URL."""
    with _served("chat_server", argument(options)) as url:
        yield url


@contextmanager
def jobs_server(**options: bool) -> Iterator[str]:
    """Its URL."""
    with _served("jobs_server", json.dumps(options)) as url:
        yield url


@contextmanager
def _served(module: str, options: str) -> Iterator[str]:
    argv = [sys.executable, "-m", f"benchmarks.{module}", options]
    with _running(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"


@contextmanager
def fleet(options: Options, limits: Limits, evaluators: int = 2) -> Iterator[Fleet]:
    """All of it, ready."""
    with chat_server(options) as url, fleet_at(url, limits, evaluators=evaluators) as system:
        yield system


@contextmanager
def fleet_at(url: str, limits: Limits, *, workers: int = 1, evaluators: int = 0) -> Iterator[Fleet]:
    """The same with a server that runs already."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
        (folder / "key").write_text("sk-bench-0123456789")
        account = Account(base_url=url, api_key_file=folder / "key", limits=limits)
        settings = Settings(
            redis_url=redis.url, data_url=str(folder / "data"), accounts={ACCOUNT: account}
        )
        environment = {
            "TUNEQ_REDIS_URL": redis.url,
            "TUNEQ_DATA_URL": settings.data_url,
            "TUNEQ_ACCOUNTS": settings.model_dump_json(include={"accounts"}).removeprefix(
                '{"accounts":'
            )[:-1],
        }
        roles = [*["runs"] * workers, *["evaluation"] * evaluators]
        pids = [
            stack.enter_context(worker(role, number, environment, folder)).pid
            for number, role in enumerate(roles)
        ]
        client = open_client(settings)
        _await_workers(client, len(roles))
        yield Fleet(client, url, pids[:workers], pids[workers:], folder)


def server_stats(url: str) -> dict[str, Any]:
    """What a server has seen."""
    with urllib.request.urlopen(f"{url}/stats", timeout=10) as answer:  # noqa: S310 - our own
        found: dict[str, Any] = json.load(answer)
    return found


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, from /proc."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prompts(samples: int, name: str) -> Iterator[list[dict[str, str]]]:
    """Messages of 200 characters, each unlike any other."""
    for number in range(samples):
        yield [{"role": "user", "content": f"{name:.<188}{number:012}"}]


def table(rows: Sequence[Sequence[object]]) -> None:
    """Print it, the first row as its head."""
    texts = [[f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in r] for r in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def dataset(folder: Path, samples: int, name: str) -> Path:
    """A file of prompts of that name, each to be answered by A."""
    path = folder / f"{name}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for messages in prompts(samples, name):
            line = {"messages": [*messages, {"role": "assistant", "content": "A"}]}
            file.write(json.dumps(line) + "\n")
    return path


@contextmanager
def _running(argv: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv, **options)
    try:
        with process:
            yield process
            process.terminate()
    finally:
        process.kill()


@contextmanager
def worker(
    queue: str, number: int, environment: dict[str, str], folder: Path, app: str = "tuneq_worker"
) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker of an application."""
    argv = [sys.executable, "-m", "celery", "-A", app, "worker", "-Q", queue]
    argv += ["-n", f"bench{number}@%h", "--without-gossip", "--without-mingle", "-l", "INFO"]
    with (
        (folder / f"{queue}{number}.log").open("wb") as log,
        _running(argv, env={**os.environ, **environment}, stdout=log, stderr=log) as process,
    ):
        yield process


def _await_workers(client: Client, count: int) -> None:
    until = time.monotonic() + READY_S
    while len(client.fleet.workers()) < count:
        if time.monotonic() > until:
            raise TimeoutError("the workers did not come up")
        time.sleep(0.1)

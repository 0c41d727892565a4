"""Following many jobs at once: 10,000 runs in training, looked at every 30 s.

    uv run python -m benchmarks.training [--runs N] [--interval S] [--seconds S] [--workers N]

All runs are submitted and bought first, by the workers themselves. Then, for so many seconds each:
nothing changes; and a job a second ends. The jobs are young all the while, so this is the shortest
interval. `noticed` is the mean time from a job's end until its run has its next stage, half an
interval of which nobody can help; `lag` is what comes after the end of the listing that showed it.
The alternative is a Celery task for each run, which retrieves its job and sends itself again with a
countdown, in a worker with as many threads.
"""

import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import click
from redis import Redis

from benchmarks import celery_chain
from benchmarks.fleet import (
    ACCOUNT,
    Fleet,
    cpu_s,
    dataset,
    fleet_at,
    jobs_server,
    server_stats,
    table,
)
from benchmarks.overhead import chain_worker
from tuneq_sandbox.redis_server.embedded import EmbeddedRedis
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.intake import new_run
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.settings import Limits

HEAD = (
    "",
    "calls a minute",
    "% of a core",
    "KB of Redis a run",
    "noticed s",
    "lag s",
    "worst lag s",
)
PATIENCE_S = 1800.0
SETTLE_S = 10.0
POLLS = ("list", "job")
FOLLOWING = ("collecting", "succeeded")


@dataclass(frozen=True)
class Load:
    """What is followed, and for how long."""

    runs: int
    interval_s: float
    seconds: float  # of each part
    workers: int


@dataclass(frozen=True)
class Part:
    """A stretch of time."""

    calls: float  # a minute, of those that look at jobs
    core: float  # percent

    @classmethod
    def of(cls, url: str, pids: Sequence[int], wait: Callable[[], None]) -> "Part":
        """Of these processes while this takes place."""
        calls, cpu, begun = _polls(url), sum(map(cpu_s, pids)), time.monotonic()
        wait()
        took = time.monotonic() - begun
        used = sum(map(cpu_s, pids)) - cpu
        return cls(60 * (_polls(url) - calls) / took, 100 * used / took)


def by_tuneq(load: Load) -> tuple[object, ...]:
    """A row."""
    limits = Limits(max_active_jobs=load.runs, poll_interval_s=load.interval_s)
    with (
        jobs_server() as url,
        fleet_at(url, limits, workers=load.workers) as system,
    ):
        redis: Any = connect(system.client.settings.redis_url)
        empty = redis.info("memory")["used_memory"]
        runs = _submit(system, load.runs)
        _await(lambda: system.client.catalogue.counts().get("training", 0), load.runs)
        time.sleep(SETTLE_S)
        kilobytes = (redis.info("memory")["used_memory"] - empty) / 1024 / load.runs
        quiet = Part.of(url, system.workers, lambda: time.sleep(load.seconds))
        _end_some(url, load)
        ended = server_stats(url)["ended"]
        _await(lambda: system.client.catalogue.counts().get("succeeded", 0), len(ended))
        stats = server_stats(url)
        noticed, lags = _lags(system, runs, stats)
    return (
        "tuneq", quiet.calls, quiet.core, kilobytes, fmean(noticed), fmean(lags), max(lags)
    )  # fmt: skip


def by_tasks(load: Load) -> tuple[object, ...]:
    """A row of the alternative."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
        url = stack.enter_context(jobs_server())
        client: Any = Redis.from_url(redis.url)
        empty = client.info("memory")["used_memory"]
        job_ids = _bought(url, load.runs)
        pid = stack.enter_context(chain_worker(redis.url, url, folder))
        with celery_chain.app.connection_for_write(redis.url) as connection:
            for number, job_id in enumerate(job_ids):
                first_s = load.interval_s * number / load.runs
                task = celery_chain.poll.s(job_id, load.interval_s)
                task.apply_async(countdown=first_s, connection=connection)
        _await(lambda: _polls(url), load.runs)
        time.sleep(SETTLE_S)
        kilobytes = (client.info("memory")["used_memory"] - empty) / 1024 / load.runs
        quiet = Part.of(url, [pid], lambda: time.sleep(load.seconds))
        _end_some(url, load)
        ended = server_stats(url)["ended"]
        _await(lambda: int(client.hlen(celery_chain.NOTICED)), len(ended))
        seen = {k.decode(): float(v) for k, v in client.hgetall(celery_chain.NOTICED).items()}
        noticed = [seen[job_id] - at for job_id, at in ended.items()]
    return ("a task a run", quiet.calls, quiet.core, kilobytes, fmean(noticed), "", "")


def _submit(system: Fleet, count: int) -> list[str]:
    training = str(system.client.data.stage(dataset(system.folder, 12, "train")))
    new = [
        new_run(
            FineTuneRequest(
                name=f"run-{number}", account=ACCOUNT, model="m", training_file=training
            )
        )
        for number in range(count)
    ]
    system.client.items.create(new)
    return [each.item.key for each in new]


def _end_some(url: str, load: Load) -> None:
    """A job a second."""
    for _ in range(round(load.seconds)):
        request = urllib.request.Request(f"{url}/end?count=1", method="POST")  # noqa: S310 - our own
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310 - our own
        time.sleep(1.0)


def _lags(
    system: Fleet, runs: Sequence[str], stats: Mapping[str, Any]
) -> tuple[list[float], list[float]]:
    """Seconds from each job's end, and from that of the listing that showed it, to a commit."""
    followed = {}
    for run in runs:
        (record,) = system.client.catalogue.read([ItemId(Kind.RUN, run)])
        job_id = record.doc["job_id"] if record else ""
        if job_id in stats["ended"]:
            events = system.client.catalogue.events(ItemId(Kind.RUN, run))
            followed[job_id] = next(each.at for each in events if each.stage in FOLLOWING)
    noticed = [at - stats["ended"][job_id] for job_id, at in followed.items()]
    lags = [
        at - _listing_end(stats["pages"], stats["seen"][job_id]) for job_id, at in followed.items()
    ]
    return noticed, lags


def _listing_end(pages: Sequence[float], shown: float) -> float:
    """When the last page of the look was answered that showed it at that instant."""
    later = [page for page in pages if page >= shown]
    return next((a for a, b in pairwise(later) if b - a > 1.0), later[-1])


def _bought(url: str, count: int) -> list[str]:
    client = celery_chain.client_at(url)
    with client:
        jobs = client.fine_tuning.jobs
        return [jobs.create(model="m", training_file="file-0").id for _ in range(count)]


def _polls(url: str) -> int:
    calls: dict[str, int] = server_stats(url)["calls"]
    return sum(calls.get(name, 0) for name in POLLS)


def _await(reached: Callable[[], int], count: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while (now := reached()) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"only {now} of {count}")
        time.sleep(0.5)


@click.command()
@click.option("--runs", default=10_000, show_default=True)
@click.option("--interval", default=30.0, show_default=True, help="Seconds between two looks.")
@click.option("--seconds", default=60.0, show_default=True, help="Of each of both parts.")
@click.option("--workers", default=1, show_default=True, help="Run workers.")
@click.option("--alternative/--no-alternative", default=True)
def main(*, runs: int, interval: float, seconds: float, workers: int, alternative: bool) -> None:
    """Print calls, CPU, memory and lag of following many jobs."""
    load = Load(runs, interval, seconds, workers)
    ours = by_tuneq(load)
    rows: list[tuple[object, ...]] = [HEAD, ours, ("at most", 250, 10.0, 5.0, "", 1.0, "")]
    if alternative:
        theirs = by_tasks(load)
        ratios = (a / b if isinstance(b, float) and isinstance(a, float) else ""
                  for a, b in zip(ours[1:], theirs[1:], strict=True))  # fmt: skip
        rows += [theirs, ("ratio", *ratios)]
    table(rows)


if __name__ == "__main__":
    main()

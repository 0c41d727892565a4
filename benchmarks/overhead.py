"""What a run costs this machine, everything but the provider's time: CPU of all our processes.

    uv run python -m benchmarks.overhead [--runs N] [--samples N ...]

Small runs from submission to their end, at a provider whose jobs end at once: without evaluation,
and with one of a single shard. The CPU is that of a run worker, dispatcher included, and of an
evaluator, idle turns and all. The alternative is a bare chain of Celery tasks that make the same
calls through the SDK, but for the look before each creation, in one worker with as many threads.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from redis import Redis

from benchmarks import celery_chain
from benchmarks.fleet import ACCOUNT, cpu_s, dataset, fleet_at, jobs_server, table, worker
from tuneq_sandbox.redis_server.embedded import EmbeddedRedis
from tuneq_shared.domain.request import EvaluationRequest, FineTuneRequest
from tuneq_shared.intake import new_run
from tuneq_shared.settings import Limits

LINES = 12
PLENTY = 1_200_000  # chat requests a minute: the limiter is asked, and never the one waited for
WARM = 16
DEADLINE_S = 300.0
TARGET_MS = 50.0
LIMITS = Limits(max_active_jobs=100_000, poll_interval_s=1.0, requests_per_minute=PLENTY)


def by_tuneq(runs: int, samples: int) -> tuple[float, float]:
    """CPU milliseconds and wall seconds of a run; without samples there is no evaluation."""
    with (
        jobs_server(ends_at_once=True) as url,
        fleet_at(url, LIMITS, evaluators=min(samples, 1)) as system,
    ):
        data = system.client.data
        training = str(data.stage(dataset(system.folder, LINES, "train")))
        evaluation = None
        if samples:
            scored_on = str(data.stage(dataset(system.folder, samples, "eval")))
            evaluation = EvaluationRequest(dataset=scored_on, max_tokens=8)

        def submit(first: int, count: int) -> None:
            system.client.items.create(
                new_run(
                    FineTuneRequest(
                        name=f"run-{number}",
                        account=ACCOUNT,
                        model="m",
                        training_file=training,
                        evaluation=evaluation,
                    )
                )
                for number in range(first, first + count)
            )

        def ended() -> int:
            return system.client.catalogue.counts().get("succeeded", 0)

        return _timed(runs, submit, ended, [*system.workers, *system.evaluators])


def by_chain(runs: int, samples: int) -> tuple[float, float]:
    """The same of bare tasks."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        redis = stack.enter_context(EmbeddedRedis(folder / "redis"))
        url = stack.enter_context(jobs_server(ends_at_once=True))
        scored_on = dataset(folder, samples, "eval") if samples else None
        pid = stack.enter_context(chain_worker(redis.url, url, folder, scored_on))
        client = Redis.from_url(redis.url)

        def submit(first: int, count: int) -> None:
            with celery_chain.app.connection_for_write(redis.url) as connection:
                for number in range(first, first + count):
                    celery_chain.run("file-0", f"run-{number}", str(folder), connection)

        return _timed(runs, submit, lambda: int(client.get(celery_chain.DONE) or 0), [pid])


@contextmanager
def chain_worker(
    redis_url: str, url: str, folder: Path, scored_on: Path | None = None
) -> Iterator[int]:
    """A worker for the alternative's tasks: its process id."""
    environment = {
        "BENCH_REDIS": redis_url,
        "BENCH_URL": url,
        "BENCH_DATASET": str(scored_on or ""),
    }
    with worker("celery", 0, environment, folder, app="benchmarks.celery_chain") as process:
        yield process.pid


def _timed(
    runs: int, submit: Callable[[int, int], None], ended: Callable[[], int], pids: list[int]
) -> tuple[float, float]:
    submit(0, WARM)
    _await(ended, WARM)
    before, begun = sum(map(cpu_s, pids)), time.monotonic()
    submit(WARM, runs)
    _await(ended, WARM + runs)
    wall_s = time.monotonic() - begun
    return 1000 * (sum(map(cpu_s, pids)) - before) / runs, wall_s


def _await(ended: Callable[[], int], count: int) -> None:
    until = time.monotonic() + DEADLINE_S
    while ended() < count:
        if time.monotonic() > until:
            raise TimeoutError(f"only {ended()} of {count} runs have ended")
        time.sleep(0.05)


@click.command()
@click.option("--runs", default=200, show_default=True)
@click.option("--samples", multiple=True, default=[0, 20], help="Of the evaluation; 0: none.")
@click.option("--alternative/--no-alternative", default=True)
def main(*, runs: int, samples: tuple[int, ...], alternative: bool) -> None:
    """Print the CPU of a run."""
    rows: list[tuple[object, ...]] = [("samples", "", "CPU ms a run", "at most", "ratio", "s")]
    for count in samples:
        ours, ours_s = by_tuneq(runs, count)
        theirs, theirs_s = by_chain(runs, count) if alternative else (ours, 0.0)
        rows.append((count, "tuneq", ours, TARGET_MS, ours / theirs, ours_s))
        if alternative:
            rows.append((count, "bare chain", theirs, "", 1.0, theirs_s))
    table(rows)


if __name__ == "__main__":
    main()

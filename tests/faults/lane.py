"""A site with one worker that does all, on which one fault after the other is played."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.faults.orders import MODEL
from tests.faults.site import Site
from tests.faults.stuck import StuckError
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import Worker
from tests.sandbox.provider_server import chat_lines

from tuneq_sandbox.stack.roles import Role
from tuneq_shared.domain.request import EvaluationRequest, FineTuneRequest, Samples

LINES, SAMPLES = 16, 6
LEASE_S, TIMEOUT_S = 2.0, 1.0
SLOWLY = {"seconds_per_step": 0.03, "file_delay_s": 0.3}
"""A provider whose files and jobs are seen in every state."""
TRIES = 3  # for what depends on when somebody looks
ALL = Role(name="worker", queue="runs,evaluation", count=1, concurrency=8)
ROOT = str(Path(__file__).parents[2])


def start_obedient(site: Site, orders: Path, *words: str) -> Worker:
    """Start a worker that does all, and obeys the orders of a folder."""
    path = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH"))))
    more = {"TUNEQ_BENCH_ORDERS": str(orders), "PYTHONPATH": path}
    (worker,) = site.workers.start(ALL, app="tests.faults.mortal_app", more=more, words=words)
    return worker


class Lane:
    """Each play is two runs that share an upload; one has a validation file and an evaluation.

    The worker that brings one play to its end is the one that the next one strikes.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.plays = 0
        self.orders = site.folder / "orders"
        self.orders.mkdir()
        self.worker = self.start_worker()

    def start_worker(self) -> Worker:
        return start_obedient(self.site, self.orders)

    def strike(self, deed: str) -> bool:
        """Begin a play in which that happens to the worker; false where no run came to it."""
        self.site.await_that("the worker should be ready", self.worker.is_ready)
        order, draft = self.orders / "order", self.orders / "draft"
        draft.write_text(deed)
        draft.replace(order)
        for _ in range(TRIES):
            self.submit()
            self.site.await_that(
                f"somebody should obey: {deed}",
                lambda: not order.exists() or self.site.all_ended(),
            )
            if not order.exists():
                return True
        order.unlink()
        return False

    def effects(self) -> list[str]:
        """The side effects so far, each once, in the order of their first time."""
        return list(dict.fromkeys((self.orders / "effects").read_text().splitlines()))

    def submit(self) -> None:
        """Begin a play, with contents of its own."""
        self.plays += 1
        train, validation = f"train-{self.plays}.jsonl", f"validation-{self.plays}.jsonl"
        for place, name in enumerate((train, validation)):
            lines = chat_lines(LINES, offset=10_000 + 100 * (2 * self.plays + place))
            (self.site.folder / name).write_bytes(lines)
        self.site.submit(
            FineTuneRequest(
                model=MODEL,
                training_file=train,
                validation_file=validation if evaluated else None,
                group="bench",
                name=f"run-{self.plays}-{'evaluated' if evaluated else 'plain'}",
                samples=Samples(n=12),
                evaluation=EvaluationRequest(dataset="test.jsonl", limit=SAMPLES)
                if evaluated
                else None,
                seed=1,
            )
            for evaluated in (True, False)
        )

    def verdict(self, *broken: str) -> Result:
        """How all plays so far came out."""
        expected = Expected(jobs=2 * self.plays, uploads=2 * self.plays, samples=SAMPLES)
        return judge(self.site, expected, "", *broken)


@contextmanager
def open_lanes(folder: Path, count: int, **provider: Any) -> Iterator[list[Lane]]:
    """So many lanes, each with a Redis and a provider of its own."""
    sites = [
        Site(folder / f"lane{n}", lease_s=LEASE_S, request_timeout_s=TIMEOUT_S, **provider)
        for n in range(count)
    ]
    with ExitStack() as stack:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(stack.enter_context, sites))
        yield [Lane(site) for site in sites]


def play_all(
    lanes: list[Lane], points: Iterable[str], play: Callable[[Lane, str], tuple[str, ...]]
) -> list[str]:
    """Play every point on any lane; answers what did not hold, in words."""
    left = iter(points)
    broken: list[str] = []

    def work(lane: Lane, point: str | None) -> None:
        while point is not None:
            try:
                words = play(lane, point)
            except StuckError as stuck:
                broken.append(f"{point}: {stuck}")
                return
            broken.extend(f"{point}: {each}" for each in words)
            point = next(left, None)

    with ThreadPoolExecutor(len(lanes)) as pool:
        first = [next(left, None) for _ in lanes]
        for done in [pool.submit(work, *each) for each in zip(lanes, first, strict=True)]:
            done.result()
    broken.extend(f"{point}: not played" for point in left)
    return broken


def total(lanes: list[Lane], notes: str, broken: list[str]) -> Result:
    """The lanes' results as one."""
    results = [lane.verdict() for lane in lanes if lane.plays]
    return Result(
        load=sum(each.load for each in results),
        as_expected=sum(each.as_expected for each in results),
        jobs=sum(each.jobs for each in results),
        uploads=sum(each.uploads for each in results),
        broken=tuple(broken),
        notes=notes,
    )

"""Nobody is at work for long: first no worker at all, then no evaluator."""

import time
from collections.abc import Callable

from tests.faults.dose import Dose
from tests.faults.orders import contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

from tuneq_shared.domain.item import Queue
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.ports.fleet import LOST_AFTER_S

SAMPLES = 24
LEASE_S = 1.0  # after so long a hint that nobody took is repeated
HOUR = 60  # repetitions in an hour at the default lease
FEW = 2
PER_CONSUMER = 5  # four from the dispatcher, and the one that a task in hand sends after itself


def absent(dose: Dose) -> Result:
    repetitions = max(FEW, round(HOUR * min(1.0, dose.scale)))
    longest = dict.fromkeys(Queue, 0)

    def watched(condition: Callable[[], bool]) -> bool:
        for queue in Queue:
            longest[queue] = max(longest[queue], site.queued(queue))
        return condition()

    def pass_time() -> None:
        end = time.monotonic() + repetitions * LEASE_S
        site.until(lambda: watched(lambda: time.monotonic() >= end), repetitions * LEASE_S + 10)

    with Site(dose.folder, lease_s=LEASE_S) as site:
        # They were there, and count as consumers for a while after their death.
        site.workers.start(RUNS, EVALUATION)
        site.workers.await_ready()
        consumers = {worker.role.queue: worker.role.concurrency for worker in site.workers.living}
        site.workers.kill_all()
        site.submit(orders(dose.runs, samples=SAMPLES))
        pass_time()
        site.workers.start(RUNS)
        site.await_that(
            "all should be trained", lambda: watched(lambda: _evaluating(site) == dose.runs)
        )
        pass_time()
        site.workers.start(EVALUATION)
        site.await_that("all runs should end", lambda: watched(site.all_ended))
        # The dead ones count until they are taken for lost.
        counted = 1 if repetitions * LEASE_S > LOST_AFTER_S else 2
        bounds = {queue: counted * PER_CONSUMER * consumers[queue.value] for queue in Queue}
        piled = [
            f"{longest[queue]} messages in {queue}, more than {bounds[queue]}"
            for queue in Queue
            if longest[queue] > bounds[queue]
        ]
        notes = ", ".join(f"{queue} <= {n} messages" for queue, n in longest.items())
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs), samples=SAMPLES)
        return judge(site, expected, f"{repetitions} repetitions off, twice; {notes}", *piled)


def _evaluating(site: Site) -> int:
    return site.client.catalogue.counts().get(RunStage.EVALUATING, 0)

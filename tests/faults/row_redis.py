"""Redis is killed and comes back at once, then stays away, then loses Celery's queues."""

import time

from tests.faults.dose import Dose
from tests.faults.orders import contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

from tuneq_shared.domain.item import Queue

SAMPLES = 24


def redis(dose: Dose) -> Result:
    away_s = max(1.0, 30.0 * min(1.0, dose.scale))
    with Site(dose.folder, seconds_per_step=0.02, chat_latency_ms=20) as site:
        site.workers.start(RUNS, RUNS, EVALUATION)
        site.submit(orders(dose.runs, samples=SAMPLES))
        site.await_that("a quarter should end", lambda: site.ended() * 4 >= dose.runs)
        before = site.ended()
        site.kill_redis()
        site.redis.start()
        site.await_that("half should end", lambda: site.ended() * 2 >= dose.runs)
        site.kill_redis()
        time.sleep(away_s)  # the fault itself: so long nobody serves
        site.redis.start()
        site.await_that("three quarters should end", lambda: site.ended() * 4 >= dose.runs * 3)
        lost = sum(site.queued(queue) for queue in Queue)
        site.raw.delete(*(site.queue_key(queue) for queue in Queue))
        left = len(site.runs) - site.ended()
        site.await_end()
        late = [] if before < dose.runs else ["all runs had ended before Redis was killed"]
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs), samples=SAMPLES)
        notes = f"2 kills, {away_s:g} s away, {lost} messages deleted with {left} runs to go"
        return judge(site, expected, notes, *late)

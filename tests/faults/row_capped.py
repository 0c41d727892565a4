"""Three jobs at most, runs come one by one, workers are killed."""

import time

from tests.faults.dose import Dose
from tests.faults.killing import Killer
from tests.faults.orders import MODEL, contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import RUNS

CAP = 3
AHEAD = 4  # unfinished runs at which the next waits: always one near the cap
KILL_EVERY_S = 4.0


def capped(dose: Dose) -> Result:
    with Site(dose.folder, max_active_jobs=CAP, when_full="refuse") as site:
        site.workers.start(RUNS, RUNS)
        site.workers.await_ready()
        killer = Killer(site)
        struck = time.monotonic()
        end = struck + 90 + 2.0 * dose.runs
        waiting = list(orders(dose.runs))
        while waiting and time.monotonic() < end:
            site.until(lambda: len(site.runs) - site.ended() < AHEAD, KILL_EVERY_S)
            if len(site.runs) - site.ended() < AHEAD:
                site.submit([waiting.pop(0)])
            if time.monotonic() - struck > KILL_EVERY_S:
                killer.strike()
                struck = time.monotonic()
        killer.strike()
        site.until(site.all_ended)
        stats = site.provider.stats()
        most, refusals = stats["max_active_jobs"].get(MODEL, 0), stats["rate_limited"]
        over = [f"{most} jobs were active at once"] if most > CAP else []
        left = [f"{len(waiting)} runs could not even be submitted"] if waiting else []
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs))
        notes = f"{killer.kills} kills, at most {most} active, {refusals} refusals"
        return judge(site, expected, notes, *over, *left)

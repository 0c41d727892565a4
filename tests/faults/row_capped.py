"""Three jobs at most, some of them others'; few runs wait, then many; workers are killed."""

import time
from functools import partial

from tests.faults.dose import Dose
from tests.faults.idleness import idleness
from tests.faults.killing import Killer
from tests.faults.orders import contents, orders
from tests.faults.site import LEASE_S, POLL_S, Site
from tests.faults.strangers import Strangers
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import RUNS

CAP = 3
AHEAD = (4, 40)  # unfinished runs at which the next waits: one near the cap, then a long line
KILL_EVERY_S = 4.0


def capped(dose: Dose) -> Result:
    with Site(dose.folder, max_active_jobs=CAP, when_full="refuse", seconds_per_step=0.005) as site:
        site.workers.start(RUNS, RUNS)
        site.workers.await_ready()
        killer = Killer(site)
        with Strangers(site) as strangers:
            _play(site, killer, dose.runs)
        stats, idle = site.provider.stats(), idleness(site, CAP)
        refusals = stats["rate_limited"] - strangers.refused
        # A slot is seen to be free by the next look, and bought within another. Whatever a killed
        # worker had in hand is taken up when its lease has run out.
        allowed_s = 2 * POLL_S * idle.freed + CAP * 2 * LEASE_S * killer.kills
        broken = []
        if idle.most > CAP:
            broken.append(f"{idle.most} jobs were active at once")
        if idle.seconds > allowed_s:
            broken.append(f"slots were idle for {idle.seconds:.1f} s, with {allowed_s:.1f} allowed")
        # Those who come are not seen before the next look, however many runs wait.
        if refusals > CAP * (strangers.visits + 1):
            broken.append(f"{refusals} refusals, with {strangers.visits} visits of others")
        expected = Expected(
            jobs=dose.runs, uploads=contents(dose.runs) + 1, strangers=strangers.jobs
        )
        notes = (
            f"{killer.kills} kills, {strangers.jobs} jobs of others, at most {idle.most} active, "
            f"{refusals} refusals, a free slot idle for {idle.seconds / idle.freed:.2f} s"
        )
        return judge(site, expected, notes, *broken)


def _play(site: Site, killer: Killer, runs: int) -> None:
    struck = time.monotonic()
    end = struck + 60 + 2.0 * runs
    waiting = list(orders(runs))
    while waiting:
        if time.monotonic() > end:
            raise site.stuck(f"{len(waiting)} runs could not even be submitted")
        ahead = AHEAD[len(waiting) <= runs // 2]
        site.until(partial(_is_room, site, ahead), KILL_EVERY_S)
        if _is_room(site, ahead):
            site.submit([waiting.pop(0)])
        if time.monotonic() - struck > KILL_EVERY_S:
            killer.strike()
            struck = time.monotonic()
    killer.strike()
    site.await_end()


def _is_room(site: Site, ahead: int) -> bool:
    return len(site.runs) - site.ended() < ahead

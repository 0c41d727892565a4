"""Workers and evaluators are killed at random instants, again and again."""

from tests.faults.dose import Dose
from tests.faults.killing import Killer
from tests.faults.orders import contents, orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

from tuneq_shared.domain.item import ItemId, Kind

SAMPLES = 24
# The job is there at once and the answer comes late, so that kills fall in between.
LATE = {"kind": "hang", "method": "POST", "path": "/v1/fine_tuning/jobs", "seconds": 1.0}


def kills(dose: Dose) -> Result:
    with Site(dose.folder, seconds_per_step=0.02, chat_latency_ms=50) as site:
        site.provider.set_faults(LATE)
        site.workers.start(RUNS, RUNS, EVALUATION, EVALUATION)
        site.submit(orders(dose.runs, samples=SAMPLES, baseline=True))
        site.workers.await_ready()
        killer = Killer(site)
        site.await_that("a job should be bought", lambda: bool(site.provider.stats()["jobs"]))
        killer.strike(RUNS)
        killer.work()
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs), samples=SAMPLES)
        notes = f"{killer.kills} kills, {_adopted(site)} jobs found that a dead worker had bought"
        return judge(site, expected, notes)


def _adopted(site: Site) -> int:
    histories = (site.client.catalogue.events(ItemId(Kind.RUN, run)) for run in site.runs)
    return sum(any("bought before" in event.message for event in each) for each in histories)

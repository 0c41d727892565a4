"""Of runs that share an upload and an evaluation, one is cancelled in each."""

from tests.faults.dose import Dose
from tests.faults.orders import orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

from tuneq_producer.commands.cancel import ask_cancel
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.waiting import WaitKind

SAMPLES = 24


def cancelled(dose: Dose) -> Result:
    with Site(dose.folder, file_delay_s=3.0) as site:
        site.workers.start(RUNS, RUNS)
        ids = site.submit(orders(dose.runs, samples=SAMPLES, baseline=True, lines=20))
        early, late = ids[0], ids[1]
        _await_all(site, ids, WaitKind.UPLOAD)
        _cancel(site, early)
        _await_all(site, ids[1:], WaitKind.EVALUATION)
        _cancel(site, late)
        site.workers.start(EVALUATION)
        site.await_end()
        stages = {early: RunStage.CANCELLED, late: RunStage.CANCELLED}
        expected = Expected(jobs=dose.runs - 1, uploads=1, samples=SAMPLES, stages=stages)
        return judge(site, expected, "2 cancelled")


def _cancel(site: Site, run: str) -> None:
    ask_cancel(site.client, site.records([run]))


def _await_all(site: Site, ids: list[str], kind: WaitKind) -> None:
    def all_wait() -> bool:
        waits = [run.waiting for run in site.look(ids)]
        return all(waiting is not None and waiting.kind is kind for waiting in waits)

    site.await_that(f"all should share the {kind}", all_wait)

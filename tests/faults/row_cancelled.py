"""Of runs that share an upload and an evaluation, one is cancelled in each."""

from collections.abc import Callable

from tests.faults.dose import Dose
from tests.faults.orders import orders
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import EVALUATION, RUNS

from tuneq_producer.commands.cancel import ask_cancel
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import WaitKind

SAMPLES = 24


def cancelled(dose: Dose) -> Result:
    with Site(dose.folder, file_delay_s=3.0) as site:
        site.workers.start(RUNS, RUNS)
        ids = site.submit(orders(dose.runs, samples=SAMPLES, baseline=True, lines=20))
        early, late = ids[0], ids[1]
        broken = []
        if not site.until(lambda: _all(site, ids, lambda run: _waits(run, WaitKind.UPLOAD))):
            broken.append("not all runs came to share the upload")
        _cancel(site, early)
        others = ids[1:]
        if not site.until(lambda: _all(site, others, lambda run: _waits(run, WaitKind.EVALUATION))):
            broken.append("not all others came to share the evaluation")
        _cancel(site, late)
        site.workers.start(EVALUATION)
        site.until(site.all_ended)
        stages = {early: RunStage.CANCELLED, late: RunStage.CANCELLED}
        expected = Expected(jobs=dose.runs - 1, uploads=1, samples=SAMPLES, stages=stages)
        return judge(site, expected, "2 cancelled", *broken)


def _cancel(site: Site, run: str) -> None:
    ask_cancel(site.client, site.records([run]))


def _all(site: Site, ids: list[str], holds: Callable[[Run], bool]) -> bool:
    return all(map(holds, site.look(ids)))


def _waits(run: Run, kind: WaitKind) -> bool:
    return run.waiting is not None and run.waiting.kind is kind

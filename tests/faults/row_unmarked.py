"""A server that keeps no metadata, and neither an upload nor a creation is answered."""

from tests.faults.dose import Dose
from tests.faults.orders import orders
from tests.faults.row_unanswered import CREATION
from tests.faults.site import Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import RUNS

UPLOAD = {"method": "POST", "path": "/v1/files"}
LOST = {"kind": "lost_answer"}


def unmarked(dose: Dose) -> Result:
    with Site(dose.folder, metadata=False) as site:
        rules = ({**CREATION, **LOST}, {**UPLOAD, **LOST})
        site.provider.set_faults(*rules, oddities={"metadata_dropped": True})
        site.workers.start(RUNS, RUNS)
        site.submit(orders(dose.runs))
        site.await_end()
        struck = site.provider.stats()["faults"].get("lost_answer", 0)
        untouched = ["not everything was struck"] if struck < 2 * dose.runs else []
        # One file a purchase, whose name tells whose a job is.
        expected = Expected(jobs=dose.runs, uploads=dose.runs)
        return judge(site, expected, f"{struck} uploads and creations struck", *untouched)

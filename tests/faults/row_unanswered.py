"""Every creation of a job does its work and is not answered, in one of three ways."""

from typing import Any

from tests.faults.dose import Dose
from tests.faults.orders import contents, orders
from tests.faults.site import REQUEST_TIMEOUT_S, Site
from tests.faults.verdict import Expected, Result, judge
from tests.faults.workers import RUNS

CREATION = {"method": "POST", "path": "/v1/fine_tuning/jobs"}


def lost_answer(dose: Dose) -> Result:
    return unanswered(dose, {"kind": "lost_answer"})


def error_after(dose: Dose) -> Result:
    return unanswered(dose, {"kind": "error_after", "status": 500})


def hang(dose: Dose) -> Result:
    return unanswered(dose, {"kind": "hang", "seconds": 3 * REQUEST_TIMEOUT_S})


def unfiltered(dose: Dose) -> Result:
    """The listing ignores the metadata filter on top of that."""
    return unanswered(dose, {"kind": "lost_answer"}, {"metadata_filter_ignored": True})


def unanswered(dose: Dose, fault: dict[str, Any], oddities: dict[str, Any] | None = None) -> Result:
    with Site(dose.folder) as site:
        site.provider.set_faults({**CREATION, **fault}, oddities=oddities or {})
        site.workers.start(RUNS, RUNS)
        site.submit(orders(dose.runs))
        site.await_end()
        struck = site.provider.stats()["faults"].get(fault["kind"], 0)
        untouched = ["not every creation was struck"] if struck < dose.runs else []
        expected = Expected(jobs=dose.runs, uploads=contents(dose.runs))
        return judge(site, expected, f"{struck} creations struck", *untouched)

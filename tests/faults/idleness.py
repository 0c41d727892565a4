"""How long slots were idle while runs waited, as the sandbox's own books and the runs tell."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from tests.faults.site import Site

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_worker.providers.openai.documents import PURCHASE_KEY


@dataclass(frozen=True, slots=True)
class Idleness:
    """Of a whole row."""

    seconds: float  # of one slot, while a run could have had it
    freed: int  # how often a job ended
    most: int  # jobs that were active at once


def idleness(site: Site, cap: int) -> Idleness:
    """Add up, for each instant, the free slots that there was a run for."""
    jobs = _jobs(site)
    marked = [job for job in jobs if job["metadata"]]
    bought = {job["metadata"][PURCHASE_KEY].partition("/")[0]: job for job in marked}
    changes: list[tuple[float, int, int]] = []  # when, active jobs, waiting runs
    for job in jobs:
        changes += [(job["created_at"], 1, 0), (job["finished_at"], -1, 0)]
    for run, job in bought.items():
        events = site.client.catalogue.events(ItemId(Kind.RUN, run))
        since = next(event.at for event in events if event.stage == RunStage.CREATING)
        changes += [(since, 0, 1), (max(since, job["created_at"]), 0, -1)]
    active = waiting = most = 0
    seconds = before = 0.0
    for at, job_change, run_change in sorted(changes):
        seconds += min(max(cap - active, 0), waiting) * (at - before)
        active, waiting, before = active + job_change, waiting + run_change, at
        most = max(most, active)
    return Idleness(seconds, len(jobs), most)


def _jobs(site: Site) -> list[dict[str, Any]]:
    """As the database keeps them: the API tells whole seconds only."""
    site.provider.stop()  # it has the database to itself
    with closing(sqlite3.connect(site.provider.directory / "state" / "provider.sqlite")) as books:
        rows = books.execute("SELECT document FROM jobs").fetchall()
    site.provider.start()
    return [json.loads(document) for (document,) in rows]

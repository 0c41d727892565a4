"""Comparing what an account has with what the runs here know."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import Record, load
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import TuneqError
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_worker.ports.provider import Job
from tuneq_worker.reconcile.standing import PurchaseName, Standing, Verdict, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedJob:
    """A job that bears a purchase, or is known to be of one."""

    job: Job
    purchase: PurchaseName
    rivals: int  # other jobs of the same purchase


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A marked job, where it stands, and what was done about it."""

    marked: MarkedJob
    verdict: Verdict
    deed: str = ""  # adopted or cancelled, or why not
    gone: bool = False  # it vanished since it was listed

    @property
    def job(self) -> Job:
        """The job as it was last seen."""
        return self.marked.job

    @property
    def stands_open(self) -> bool:
        """Whether it is active and no run follows it."""
        unowned = self.verdict.standing in {Standing.SURPLUS, Standing.ORPHAN}
        return unowned and not self.gone and not self.job.status.is_terminal


def sort_out(
    jobs: Iterable[Job], purchase_of: Callable[[Job], PurchaseName | None]
) -> tuple[list[MarkedJob], int]:
    """The jobs that are of a purchase, and how many are of none."""
    known: dict[str, tuple[Job, PurchaseName]] = {}
    foreign = 0
    for job in jobs:
        purchase = purchase_of(job)
        if purchase is None:
            foreign += 1
        else:
            known[job.id] = job, purchase
    times = Counter(purchase for _, purchase in known.values())
    marked = [
        MarkedJob(job=job, purchase=purchase, rivals=times[purchase] - 1)
        for job, purchase in known.values()
    ]
    return marked, foreign


def compare(marked: Sequence[MarkedJob], catalogue: Catalogue) -> list[Finding]:
    """Where each stands, in order; the runs are read now.

    A run is here before it buys, so of jobs that were listed before this call, those without a
    run are no run's.

    Raises:
        TuneqError: this tuneq cannot read a run that is in Redis.
    """
    items = [ItemId(Kind.RUN, run) for run in sorted({each.purchase.run for each in marked})]
    records = {item.key: found for item, found in zip(items, catalogue.read(items), strict=True)}
    archived = catalogue.archived_among([run for run, found in records.items() if found is None])
    return [
        Finding(marked=each, verdict=_verdict(each, records[each.purchase.run], archived))
        for each in marked
    ]


def _verdict(marked: MarkedJob, record: Record | None, archived: set[str]) -> Verdict:
    if marked.purchase.run in archived:
        return Verdict(Standing.OWNED, "its run is archived, but not under this data root")
    if record is not None and record.unreadable:
        return Verdict(Standing.OWNED, f"its run is archived, but {record.unreadable}")
    run = loaded_run(record) if record else None
    return judge(marked.job, marked.purchase, run, marked.rivals)


def loaded_run(record: Record) -> Run:
    """The run that a record holds.

    Raises:
        TuneqError: this tuneq cannot read it.
    """
    try:
        return load(record, Run)
    except ValueError as error:
        raise TuneqError(
            f"{record.item} cannot be read, so its jobs cannot be told: {error}",
            hint="update tuneq on this machine",
        ) from error

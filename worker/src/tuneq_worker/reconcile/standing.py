"""Where a job stands towards the runs here: a pure decision."""

import re
from dataclasses import dataclass
from enum import StrEnum

from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import is_terminal
from tuneq_shared.domain.run import Run
from tuneq_worker.ports.provider import Job

_NAME = re.compile(r"([a-z2-7]{20})/(0|[1-9][0-9]{0,8})")


class Standing(StrEnum):
    """Of a job: whose it is."""

    OWNED = "owned"  # a run's own, or what one of its earlier purchases came to
    PENDING = "pending"  # the only job of a run that has none yet, and is going to find it
    SURPLUS = "surplus"  # bears a purchase of a run that does not follow it
    ORPHAN = "orphan"  # bears a purchase, but its run is not here
    FOREIGN = "foreign"  # bears no purchase: not ours, and never touched


@dataclass(frozen=True, slots=True)
class PurchaseName:
    """A purchase as the provider knows it."""

    run: str
    n: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """A standing, why, and whether the job may be cancelled without harm to a run."""

    standing: Standing
    note: str = ""
    cancellable: bool = False


def read_purchase(text: str | None) -> PurchaseName | None:
    """Read `<run>/<n>`; none where no run here or elsewhere can have written it."""
    match = _NAME.fullmatch(text or "")
    return PurchaseName(match[1], int(match[2])) if match else None


def judge(job: Job, purchase: PurchaseName, run: Run | None, rivals: int) -> Verdict:
    """Where a job stands.

    Args:
        job: the job.
        purchase: what it bears.
        run: the purchase's run as it is now, read after the job was listed; none where there is
            no such run.
        rivals: how many other jobs bear the same purchase.
    """
    if run is None:
        return Verdict(Standing.ORPHAN, "no such run here", cancellable=True)
    if job.id == run.job_id:
        return Verdict(Standing.OWNED)
    if purchase.n < run.purchase.n:
        return _of_earlier(job, run, rivals)
    if purchase.n > run.purchase.n:
        words = f"bought later than this run knows of; `tuneq retry {run.id}` looks for it"
        return Verdict(Standing.SURPLUS, words)
    if run.job_id is not None:
        return Verdict(Standing.SURPLUS, f"the run's job is {run.job_id}", cancellable=True)
    return _of_jobless(job, run, rivals)


def _of_earlier(job: Job, run: Run, rivals: int) -> Verdict:
    if job.status.is_terminal and not rivals:
        return Verdict(Standing.OWNED)
    words = f"of an earlier purchase: the run is at {run.id}/{run.purchase.n}"
    return Verdict(Standing.SURPLUS, words, cancellable=True)


def _of_jobless(job: Job, run: Run, rivals: int) -> Verdict:
    """Which of its jobs such a run takes is not decided here."""
    if job.id in run.disowned:
        return Verdict(Standing.SURPLUS, "the run was told to disown it", cancellable=True)
    if is_terminal(Kind.RUN, run.stage):
        words = f"the run is {run.stage} without it; `tuneq retry {run.id}` takes it up"
        return Verdict(Standing.SURPLUS, words, cancellable=True)
    if not rivals:
        return Verdict(Standing.PENDING, f"the run is {run.stage} and has no job yet: left alone")
    words = f"one of several, and the run is {run.stage} and has no job yet: left alone"
    return Verdict(Standing.SURPLUS, words)

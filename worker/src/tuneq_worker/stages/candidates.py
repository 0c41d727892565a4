"""Jobs that may be a run's, or another's: on a file that many may use, nothing tells them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_worker.ports.provider import JobStatus
from tuneq_worker.ports.stage import Ports

_CHUNK = 500
_TOLD = 5
ENDED_IN_VAIN = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})
"""Jobs of which nobody has anything."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Jobs that may be a run's, and who else waits for an answer to a creation on its file."""

    jobs: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()  # runs, by their full names


def doubt(run: Run, ports: Ports) -> Doubt:
    """What on the run's file no run here follows, as far as it has not ended in vain.

    The runs are read after the jobs, so that a job is not taken for nobody's because its run has
    noted it meanwhile. Of archived runs Redis knows the jobs; after its loss, theirs are nobody's,
    and an operator is asked about them.
    """
    since = None if run.purchase.intent_at is None else run.created_at
    provider = ports.accounts.provider(run.account)
    open_to_all = [
        job.id
        for job in provider.find_jobs_on(run.training_file_id or "", since)
        # One that bears another purchase says whose it is.
        if job.purchase is None and job.status not in ENDED_IN_VAIN and job.id not in run.disowned
    ]
    left = dict.fromkeys(open_to_all)
    rivals: list[str] = []
    _strike(left, run, ports.catalogue)
    for other in _others(run, ports.catalogue) if left else ():
        if not left:
            break
        for job_id in (other.job_id, other.chosen):
            left.pop(job_id or "", None)
        if other.training_file_id == run.training_file_id and _is_unanswered(other):
            rivals.append(_full_name(other))
    # Again, for a run may have been archived in between, as before it may have come back.
    _strike(left, run, ports.catalogue)
    return Doubt(tuple(left), tuple(rivals))


def follower(run: Run, job_id: str, ports: Ports) -> str | None:
    """Another run, by its full name or archived by its id, that has the job or was given it."""
    before = ports.catalogue.archived_followers(run.account, [job_id])
    for other in _others(run, ports.catalogue):
        if job_id in {other.job_id, other.chosen}:
            return _full_name(other)
    after = ports.catalogue.archived_followers(run.account, [job_id])
    return (before | after).get(job_id)


def told(jobs: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(jobs) - _TOLD} more" if len(jobs) > _TOLD else ""
    return ", ".join(jobs[:_TOLD]) + more


def _full_name(run: Run) -> str:
    return f"{run.request.group}/{run.name}"


def _is_unanswered(run: Run) -> bool:
    """Whether it waits for its job, and not for an operator."""
    open_still = run.purchase.intent_at is not None and run.job_id is None
    return open_still and run.stage in {RunStage.CREATING, RunStage.CANCELLING}


def _strike(jobs: dict[str, None], run: Run, catalogue: Catalogue) -> None:
    for job_id in catalogue.archived_followers(run.account, list(jobs)):
        del jobs[job_id]


def _others(run: Run, catalogue: Catalogue) -> Iterator[Run]:
    """The other runs of the account that are in Redis."""
    ids = catalogue.run_ids()
    for start in range(0, len(ids), _CHUNK):
        items = [ItemId(Kind.RUN, key) for key in ids[start : start + _CHUNK] if key != run.id]
        for record in catalogue.read(items):
            other = load(record, Run) if record is not None else None
            if other is not None and other.account == run.account:
                yield other

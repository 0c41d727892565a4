"""Cancelling jobs that no run follows."""

from dataclasses import replace

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_worker.ports.provider import Job, JobStatus, Provider, ProviderError
from tuneq_worker.reconcile.attribution import Attribution
from tuneq_worker.reconcile.comparison import Finding, compare


def cancel(finding: Finding, books: Provider, known: Attribution, catalogue: Catalogue) -> Finding:
    """Cancel a job, unless a run has come to follow it meanwhile.

    Whose it is must be known from just now, too: another run may have a claim to it. Repeated,
    it does no harm: one that has ended stays as it is.

    Raises:
        ProviderError: of a kind that concerns the next job alike.
        TuneqError: as `compare`.
    """
    (now,) = compare([finding.marked], catalogue)
    same = known.purchase_of(finding.job) == finding.marked.purchase
    if not (same and now.stands_open and now.verdict.cancellable):
        return replace(now, deed="not cancelled: it is not as it was listed any more")
    try:
        job = books.cancel_job(now.job.id)
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return replace(now, deed="not cancelled: gone at the provider", gone=True)
        if error.kind is ErrorKind.BAD_REQUEST:
            return replace(now, deed=f"not cancelled: {error.message}")
        raise
    return replace(now, marked=replace(now.marked, job=job), deed=_deed(job))


def _deed(job: Job) -> str:
    if job.status is JobStatus.CANCELLED:
        return "cancelled"
    if job.status.is_terminal:
        return f"not cancelled: it has {job.raw_status}"
    return f"cancel asked; it is still {job.raw_status}"

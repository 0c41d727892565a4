"""What a parked item tells the account it is parked on: why, in one line."""

from dataclasses import dataclass

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import Job, ProviderError

KEY_MARK = "key"
"""Parked until a worker that has the account's key looks."""

STOPPED_MARK = "waits"
"""Parked because the account is stopped already."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A refusal that concerns the whole account."""

    for_s: float  # after which it may be tried again by itself; 0 is never
    kind: ErrorKind
    code: str
    message: str


def job_mark(job: Job) -> str:
    """Parked until the job is no longer as it was seen: another status makes another mark."""
    return f"job {job.id} {job.status} {job.raw_status}"


def read_job_mark(mark: str) -> str | None:
    """The job's id; none where the mark is another."""
    word, _, rest = mark.partition(" ")
    return rest.partition(" ")[0] if word == "job" else None


def stop_mark(error: ProviderError, for_s: float) -> str:
    """Parked because the provider refuses the account."""
    return f"stop {for_s:g} {error.kind} {error.code} {error.message}"


def read_stop_mark(mark: str) -> Stop | None:
    """The refusal; none where the mark is another."""
    word, _, rest = mark.partition(" ")
    if word != "stop":
        return None
    for_s, _, rest = rest.partition(" ")
    kind, _, rest = rest.partition(" ")
    code, _, message = rest.partition(" ")
    return Stop(float(for_s), ErrorKind(kind), code, message)

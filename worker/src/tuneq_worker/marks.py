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


@dataclass(frozen=True, slots=True)
class JobMark:
    """A job as the run that is parked for it saw it last."""

    job_id: str
    since: float  # Redis time from which on the deadline of this status counts
    stage: str  # of the run
    status: str
    raw_status: str

    def shows(self, job: Job) -> bool:
        """Whether the job is still as it was seen."""
        return (self.status, self.raw_status) == (job.status, job.raw_status)

    def __str__(self) -> str:
        return f"job {self.job_id} {self.since} {self.stage} {self.status} {self.raw_status}"


def read_job_mark(mark: str) -> JobMark | None:
    """What `str` wrote; none where the mark is another.

    One that cannot be read is as old as can be: its run is woken, looks, and writes a new one.
    """
    word, _, rest = mark.partition(" ")
    if word != "job":
        return None
    job_id, _, rest = rest.partition(" ")
    since, _, seen = rest.partition(" ")
    stage, _, seen = seen.partition(" ")
    status, _, raw_status = seen.partition(" ")
    return JobMark(job_id, _instant(since), stage, status, raw_status)


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


def _instant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0

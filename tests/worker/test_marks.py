from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.marks import (
    KEY_MARK,
    STOPPED_MARK,
    job_mark,
    read_job_mark,
    read_stop_mark,
    stop_mark,
)
from tuneq_worker.ports.provider import Job, JobStatus, ProviderError

WORD = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30)


@given(
    kind=st.sampled_from(ErrorKind),
    code=WORD,
    message=st.text(max_size=100),
    for_s=st.integers(0, 100_000),
)
def test_a_stop_is_read_as_it_was_written(
    kind: ErrorKind, code: str, message: str, for_s: int
) -> None:
    mark = stop_mark(ProviderError(kind, message, code=code), for_s)
    stop = read_stop_mark(mark)
    assert stop is not None
    assert (stop.kind, stop.code, stop.message, stop.for_s) == (kind, code, message, for_s)
    assert read_job_mark(mark) is None


def test_a_job_is_read_and_tells_every_change() -> None:
    running = Job(id="job-1", status=JobStatus.RUNNING, raw_status="x y", model="m", created_at=0)
    unknown = Job(id="job-1", status=JobStatus.UNKNOWN, raw_status="x y", model="m", created_at=0)
    assert read_job_mark(job_mark(running)) == "job-1"
    assert read_stop_mark(job_mark(running)) is None
    assert job_mark(running) != job_mark(unknown)


def test_the_other_marks_are_neither() -> None:
    for mark in (KEY_MARK, STOPPED_MARK, ""):
        assert read_job_mark(mark) is None
        assert read_stop_mark(mark) is None

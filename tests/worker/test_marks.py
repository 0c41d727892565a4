from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_worker.marks import (
    KEY_MARK,
    STOPPED_MARK,
    JobMark,
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


@given(
    job_id=WORD,
    since=st.floats(0, 1e12),
    stage=st.sampled_from(RunStage),
    status=st.sampled_from(JobStatus),
    raw_status=st.text(max_size=30),
)
def test_a_job_is_read_as_it_was_written(
    job_id: str, since: float, stage: str, status: JobStatus, raw_status: str
) -> None:
    mark = JobMark(job_id, since, stage, status, raw_status)
    assert read_job_mark(str(mark)) == mark
    assert read_stop_mark(str(mark)) is None


@given(rest=st.text(max_size=40))
def test_no_mark_of_a_job_is_an_error(rest: str) -> None:
    assert isinstance(read_job_mark(f"job {rest}"), JobMark)


def test_a_jobs_mark_that_says_no_instant_is_as_old_as_can_be() -> None:
    mark = read_job_mark("job job-1 queued queued")
    assert mark is not None
    assert (mark.job_id, mark.since) == ("job-1", 0.0)


def test_it_tells_every_change() -> None:
    running = Job(id="job-1", status=JobStatus.RUNNING, raw_status="x y", model="m", created_at=0)
    mark = JobMark("job-1", 0.0, RunStage.TRAINING, running.status, running.raw_status)
    assert mark.shows(running)
    assert not mark.shows(replace(running, status=JobStatus.UNKNOWN))
    assert not mark.shows(replace(running, raw_status="x z"))


def test_the_other_marks_are_neither() -> None:
    for mark in (KEY_MARK, STOPPED_MARK, ""):
        assert read_job_mark(mark) is None
        assert read_stop_mark(mark) is None

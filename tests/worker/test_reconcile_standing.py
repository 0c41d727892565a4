"""Whose a job is: the table of decisions."""

from typing import Any

import pytest

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Purchase, Run
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.reconcile.standing import PurchaseName, Standing, judge, read_purchase

RUN = "abcdefghij234567abcd"
REQUEST = FineTuneRequest(model="m", training_file="file-1")


def a_job(status: JobStatus = JobStatus.RUNNING) -> Job:
    return Job(id="job-1", status=status, raw_status=str(status), model="m", created_at=1.0)


def a_run(stage: RunStage, job_id: str | None = None, n: int = 1, **fields: Any) -> Run:
    purchase = Purchase(n, fields.pop("intent_at", None))
    given = {"request": REQUEST, "created_at": 1.0, "job_id": job_id, "purchase": purchase}
    return Run(id=RUN, stage=stage, **{**given, **fields})


R, S = RunStage, Standing


@pytest.mark.parametrize(
    ("run", "n", "rivals", "status", "expected"),
    [
        (None, 0, 0, JobStatus.RUNNING, (S.ORPHAN, True)),
        (a_run(R.TRAINING, "job-1"), 1, 0, JobStatus.RUNNING, (S.OWNED, False)),
        (a_run(R.TRAINING, "job-1"), 1, 1, JobStatus.RUNNING, (S.OWNED, False)),
        (a_run(R.CANCELLING, "job-1"), 1, 0, JobStatus.RUNNING, (S.OWNED, False)),
        (a_run(R.SUCCEEDED, "job-1"), 1, 0, JobStatus.SUCCEEDED, (S.OWNED, False)),
        (a_run(R.TRAINING, "job-2"), 1, 1, JobStatus.RUNNING, (S.SURPLUS, True)),
        (a_run(R.SUCCEEDED, "job-2"), 1, 1, JobStatus.UNKNOWN, (S.SURPLUS, True)),
        (a_run(R.TRAINING, "job-2"), 0, 0, JobStatus.FAILED, (S.OWNED, False)),
        (a_run(R.TRAINING, "job-2"), 0, 0, JobStatus.RUNNING, (S.SURPLUS, True)),
        (a_run(R.TRAINING, "job-2"), 0, 1, JobStatus.FAILED, (S.SURPLUS, True)),
        (a_run(R.CREATING), 0, 0, JobStatus.RUNNING, (S.SURPLUS, True)),
        (a_run(R.FAILED, "job-2"), 2, 0, JobStatus.RUNNING, (S.SURPLUS, False)),
        (a_run(R.CREATING, intent_at=5.0), 1, 0, JobStatus.RUNNING, (S.PENDING, False)),
        (a_run(R.CREATING, intent_at=5.0), 1, 1, JobStatus.RUNNING, (S.SURPLUS, False)),
        (a_run(R.SUBMITTED), 1, 0, JobStatus.RUNNING, (S.PENDING, False)),
        (a_run(R.HELD), 1, 1, JobStatus.RUNNING, (S.SURPLUS, False)),
        (a_run(R.CANCELLING), 1, 0, JobStatus.RUNNING, (S.PENDING, False)),
        (a_run(R.FAILED), 1, 0, JobStatus.RUNNING, (S.SURPLUS, True)),
        (a_run(R.CANCELLED), 1, 1, JobStatus.RUNNING, (S.SURPLUS, True)),
    ],
)
def test_where_a_job_stands(
    run: Run | None, n: int, rivals: int, status: JobStatus, expected: tuple[Standing, bool]
) -> None:
    verdict = judge(a_job(status), PurchaseName(RUN, n), run, rivals)
    assert (verdict.standing, verdict.cancellable) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"{RUN}/0", PurchaseName(RUN, 0)),
        (f"{RUN}/12", PurchaseName(RUN, 12)),
        (f"{RUN}/01", None),
        (f"{RUN}/-1", None),
        (f"{RUN}/", None),
        (f"{RUN}/1\n", None),
        ("run/1", None),
        (f"{RUN.upper()}/1", None),
        ("", None),
        (None, None),
    ],
)
def test_only_what_tuneq_writes_is_a_purchase(text: str | None, name: PurchaseName | None) -> None:
    assert read_purchase(text) == name

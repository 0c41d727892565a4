"""Training: sleep on the account until its sweep sees the job change."""

from dataclasses import replace

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.marks import job_mark
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, Sleep, StageResult


def train(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Look at the job, for something has changed."""
    del lease
    job = ports.accounts.provider(run.account).job(run.job_id or "")
    run = with_job(run, job)
    match job.status:
        case JobStatus.SUCCEEDED:
            return Advance(replace(run, stage=RunStage.COLLECTING), free=True)
        case JobStatus.FAILED:
            words = f"{job.error_code or 'no code'}: {job.error_message or 'no reason given'}"
            return Fail(run, Failure("job_failed", f"{job.id} failed: {words}"))
        case JobStatus.CANCELLED:
            return Fail(run, Failure("job_cancelled", f"{job.id} was cancelled at the provider"))
        case _:
            return sleep_on_job(run, job)


def sleep_on_job(run: Run, job: Job, event: str = "") -> Sleep[Run]:
    """Sleep until the account's sweep sees another status."""
    waiting = Waiting(WaitKind.JOB, job.id, f"the job is {job.raw_status}")
    return Sleep(with_job(run, job), account_id(run.account), waiting, job_mark(job), event)


def with_job(run: Run, job: Job) -> Run:
    """The run with what the provider says of its job."""
    return replace(
        run,
        job_status=job.raw_status,
        fine_tuned_model=job.fine_tuned_model or run.fine_tuned_model,
        trained_tokens=job.trained_tokens or run.trained_tokens,
    )

"""Training: sleep on the account until its sweep sees the job change, but not for ever."""

from dataclasses import replace

from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.deadlines import deadlines_of, seen, silent_account, stuck_job
from tuneq_worker.marks import JobMark
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.ports.stage import Advance, Fail, Hold, Lease, Ports, Sleep, StageResult


def train(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Look at the job, for something has changed, or has not for too long."""
    without_news = sleep_without_news(run, ports, lease.now)
    if without_news is not None:
        return without_news
    job = ports.accounts.provider(run.account).job(run.job_id or "")
    run = with_job(run, job)
    match job.status:
        case JobStatus.SUCCEEDED:
            return Advance(replace(run, stage=RunStage.COLLECTING), free=True)
        case JobStatus.FAILED:
            words = f"{job.error_code or 'no code'}: {job.error_message or 'no reason given'}"
            failure = Failure("job_failed", f"{job.id} failed: {words}")
            return Fail(run, failure, job_ended=True)
        case JobStatus.CANCELLED:
            failure = Failure("job_cancelled", f"{job.id} was cancelled at the provider")
            return Fail(run, failure, job_ended=True)
        case _:
            return sleep_while_it_may(run, job, ports, lease.now)


def sleep_while_it_may(run: Run, job: Job, ports: Ports, now: float) -> StageResult[Run]:
    """Sleep on a job that goes on, as long as its deadline allows; then hold the run."""
    reason = stuck_job(run, job, deadlines_of(run.account, ports.settings), now)
    return _held(run, reason) if reason else sleep_on_job(run, job, now)


def sleep_without_news(run: Run, ports: Ports, now: float) -> StageResult[Run] | None:
    """What a run does while nothing is heard of its account's jobs; none where there is news.

    The account keeps asking for all of them: their runs do not, each for itself.
    """
    (record,) = ports.catalogue.read([account_id(run.account)])
    account = load(record, AccountState) if record else None
    if account is None or account.failing_since is None:
        return None
    reason = silent_account(run, account, deadlines_of(run.account, ports.settings), now)
    if reason:
        return _held(run, reason)
    run = _since(run, now)
    waiting = Waiting(WaitKind.JOB, run.job_id or "", f"account {account.id} gives no news of it")
    return Sleep(run, account.item, waiting, _mark(run, JobStatus.UNKNOWN, ""))


def sleep_on_job(run: Run, job: Job, now: float, event: str = "") -> Sleep[Run]:
    """Sleep until the account's sweep sees another status, or its deadline passed."""
    run = _since(with_job(run, job), now)
    waiting = Waiting(
        WaitKind.JOB, job.id, f"the job is {seen(job.raw_status, run.job_since or now)}"
    )
    mark = _mark(run, job.status, job.raw_status)
    return Sleep(run, account_id(run.account), waiting, mark, event)


def with_job(run: Run, job: Job) -> Run:
    """The run with what the provider says of its job; of another status the time begins anew."""
    return replace(
        run,
        job_status=job.raw_status,
        job_since=run.job_since if run.job_status == job.raw_status else None,
        fine_tuned_model=job.fine_tuned_model or run.fine_tuned_model,
        trained_tokens=job.trained_tokens or run.trained_tokens,
    )


def _since(run: Run, now: float) -> Run:
    return replace(run, job_since=now) if run.job_since is None else run


def _held(run: Run, reason: str) -> Hold[Run]:
    # Released, it may wait as long again.
    return Hold(replace(run, job_since=None), reason)


def _mark(run: Run, status: str, raw_status: str) -> str:
    mark = JobMark(run.job_id or "", run.job_since or 0.0, run.stage, status, raw_status)
    return str(mark)

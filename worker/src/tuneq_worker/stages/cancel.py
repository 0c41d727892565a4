"""Cancelling: stay until the provider's jobs have ended."""

from collections.abc import Sequence
from dataclasses import replace

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.intents import in_grace
from tuneq_worker.ports.provider import Job, JobStatus, Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Hold, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import attempts, with_attempt
from tuneq_worker.stages.candidates import doubt, follower, told
from tuneq_worker.stages.purchase import find_purchase, is_unmarked
from tuneq_worker.stages.train import sleep_while_it_may, sleep_without_news, with_job

_LOOK_AGAIN_S = 5.0
_LOOKS = 5  # in vain, for a job that is said not to be there
_NOT_FOUND = "not found"


def cancel(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Cancel the job if there is or may be one, then end.

    A run that has a job here may have more: those are its candidates, and end with it.
    """
    if run.job_since is not None:  # the cancel has been taken, and the job is awaited
        without_news = sleep_without_news(run, ports, lease.now)
        if without_news is not None:
            return without_news
    if run.job_id is None:
        waits, run = _with_its_jobs(run, ports, lease)
        if waits:
            reason = "a creation was not answered; looking whether there is a job to cancel"
            return Wait(run, _LOOK_AGAIN_S, Waiting(WaitKind.RETRY, run.account, reason))
    if run.job_id is not None:
        return _until_all_ended(run, (run.job_id, *run.candidates), ports, lease)
    left_alone = f"left alone, for it cannot be told whose: {told(run.candidates)}"
    ended = replace(run, stage=RunStage.CANCELLED)
    return Advance(ended, left_alone if run.candidates else "")


def _with_its_jobs(run: Run, ports: Ports, lease: Lease[Run]) -> tuple[bool, Run]:
    """Whether its job may still show, and the run with what it has."""
    if run.chosen is not None and follower(run, run.chosen, ports) is None:
        return False, replace(run, job_id=run.chosen, chosen=None, candidates=())
    if run.training_file_id is None:
        return False, run
    # It has come as far as buying: there may be a job that Redis has not kept.
    found = [job.id for job in find_purchase(run, ports)]
    if found:
        return False, replace(run, job_id=found[0], candidates=tuple(found[1:]))
    intent_at = run.purchase.intent_at
    if intent_at is None or in_grace(intent_at, ports, lease):
        return intent_at is not None, run
    # One of them may be its own, but what may be another's is not cancelled.
    candidates = doubt(run, ports).jobs if is_unmarked(run, ports.settings) else ()
    return False, replace(run, candidates=candidates)


def _until_all_ended(
    run: Run, job_ids: Sequence[str], ports: Ports, lease: Lease[Run]
) -> StageResult[Run]:
    """Cancel these jobs and sleep on one that goes on; the run ends when none does any more."""
    provider = ports.accounts.provider(run.account)
    jobs = _all_stopped(job_ids, provider)
    seen = [job for job in jobs.values() if job is not None]
    missing = [job_id for job_id, job in jobs.items() if job is None]
    event = ""
    if missing and attempts(run, _NOT_FOUND) < _LOOKS:
        event = f"{told(missing)} to be cancelled, but not found at the provider"
        waiting = Waiting(WaitKind.RETRY, run.account, event)
        return Wait(with_attempt(run, _NOT_FOUND), _LOOK_AGAIN_S, waiting, event)
    if missing:
        listed = [job for job in provider.all_jobs() if job.id in missing]
        seen += listed
        if any(not job.status.is_terminal for job in listed):
            words = "cannot be cancelled: listed at the provider, but not found there"
            return Hold(run, f"{told([job.id for job in listed])} {words}")
        gone = set(missing) - {job.id for job in listed}
        event = f"{told(sorted(gone))} gone at the provider: neither found nor listed"
    going_on = [job for job in seen if not job.status.is_terminal]
    if going_on:
        return sleep_while_it_may(
            _following(run, going_on[0], job_ids), going_on[0], ports, lease.now
        )
    # Of several, a retry goes on with one that went well.
    best = sorted(seen, key=lambda job: job.status is not JobStatus.SUCCEEDED)[:1]
    for job in best:
        run = with_job(_following(run, job, job_ids), job)
    return Advance(replace(run, stage=RunStage.CANCELLED, candidates=()), event)


def _following(run: Run, job: Job, job_ids: Sequence[str]) -> Run:
    others = tuple(job_id for job_id in job_ids if job_id != job.id)
    return replace(run, job_id=job.id, candidates=others)


def _all_stopped(job_ids: Sequence[str], provider: Provider) -> dict[str, Job | None]:
    """Each job after its cancel was asked, whatever came of the others; none where not found."""
    jobs: dict[str, Job | None] = {}
    trouble: ProviderError | None = None
    for job_id in job_ids:
        try:
            jobs[job_id] = provider.cancel_job(job_id)
        except ProviderError as error:
            jobs[job_id] = None
            trouble = trouble if error.kind is ErrorKind.NOT_FOUND else error
    if trouble is not None:
        raise trouble
    return jobs

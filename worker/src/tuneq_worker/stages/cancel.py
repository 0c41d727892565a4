"""Cancelling: let go of what is shared, and stay until the provider's job has ended."""

from dataclasses import replace

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.ports.provider import Job, Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait
from tuneq_worker.stages.create import find_purchase
from tuneq_worker.stages.sharing import leave_shared
from tuneq_worker.stages.train import sleep_on_job, with_job

_LOOK_AGAIN_S = 5.0


def cancel(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Leave uploads and evaluations, cancel the job if there is or may be one, then end."""
    leave_shared(run, ports)
    if run.job_id is None and run.training_file_id is not None:
        # It has come as far as buying: there may be a job that Redis has not kept.
        found = find_purchase(run, ports.accounts.provider(run.account))
        intent = run.purchase.intent_at
        waits = intent is not None and lease.now - intent < ports.settings.purchase_grace_s
        if not found and waits:
            reason = "a creation was not answered; looking whether there is a job to cancel"
            return Wait(run, _LOOK_AGAIN_S, Waiting(WaitKind.RETRY, run.account, reason))
        for other in found[1:]:
            _stopped(other.id, ports.accounts.provider(run.account))
        if found:
            run = replace(run, job_id=found[0].id)
    if run.job_id is not None:
        job = _stopped(run.job_id, ports.accounts.provider(run.account))
        if job is not None:
            run = with_job(run, job)
            if not job.status.is_terminal:
                return sleep_on_job(run, job)
    return Advance(replace(run, stage=RunStage.CANCELLED))


def _stopped(job_id: str, provider: Provider) -> Job | None:
    """The job after its cancel was asked; none where it is gone."""
    try:
        return provider.cancel_job(job_id)
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return None

"""Cancelling: let go of what is shared, and stay until the provider's job has ended."""

from dataclasses import replace

from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import upload_id
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait
from tuneq_worker.stages.create import find_purchase
from tuneq_worker.stages.evaluate import specs
from tuneq_worker.stages.train import sleep_on_job, with_job
from tuneq_worker.stages.upload import digests

_LOOK_AGAIN_S = 5.0


def cancel(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Leave uploads and evaluations, cancel the job if there is or may be one, then end."""
    for digest in digests(run):
        ports.items.leave(upload_id(run.account, digest), str(run.item))
    for _, spec in specs(run, ports):
        ports.items.leave(Evaluation.item_of(spec.fingerprint()), str(run.item))
    if run.job_id is None and run.purchase.intent_at is not None:
        found = find_purchase(run, ports.accounts.provider(run.account))
        waited = lease.now - run.purchase.intent_at
        if not found and waited < ports.settings.purchase_grace_s:
            reason = "a creation was not answered; looking whether there is a job to cancel"
            return Wait(run, _LOOK_AGAIN_S, Waiting(WaitKind.RETRY, run.account, reason))
        if found:
            run = replace(run, job_id=found[0].id)
    if run.job_id is not None:
        job = ports.accounts.provider(run.account).cancel_job(run.job_id)
        run = with_job(run, job)
        if not job.status.is_terminal:
            return sleep_on_job(run, job)
    return Advance(replace(run, stage=RunStage.CANCELLED))

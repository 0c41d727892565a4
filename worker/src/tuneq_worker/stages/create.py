"""Creating: buy the job, once."""

from dataclasses import replace

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Purchase, Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.ports.provider import Job, JobSpec, JobStatus, Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Hold, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import recover, rested
from tuneq_worker.stages.train import sleep_on_job, with_job
from tuneq_worker.stages.upload import slot_of

_ENDED_IN_VAIN = frozenset({JobStatus.FAILED, JobStatus.CANCELLED})
_LOOK_AGAIN_S = 5.0
_MARGIN_S = 5.0
_MAX_LOST_FILES = 6  # training and validation file, three times over
_POST = "post"


def create(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Adopt the job that this purchase has bought already, or buy it.

    The list is looked at before every POST, the first included, and what is about to be bought is
    written down before it: whoever takes over from a dead worker finds either no intent, and so no
    job, or an intent, and so looks until the job must have shown.
    """
    if not lease.slot:
        return Advance(run, take=slot_of(run, ports))
    provider = ports.accounts.provider(run.account)
    found = find_purchase(run, provider)
    run = rested(run)
    # Of several, those that somebody has cancelled no longer count.
    found = [job for job in found if job.status not in _ENDED_IN_VAIN] or found[:1]
    if len(found) > 1:
        # Kept as unanswered, so that a cancel looks for the jobs.
        unanswered = Purchase(run.purchase.n, run.purchase.intent_at or lease.now)
        words = "several jobs bear this purchase: " + ", ".join(job.id for job in found)
        return Hold(replace(run, purchase=unanswered), words)
    if found:
        return _bought(run, found[0], f"found {found[0].id}, bought before")
    intent = run.purchase.intent_at
    if intent is not None and lease.now - intent < ports.settings.purchase_grace_s:
        reason = "a creation was not answered; looking whether the job is there"
        return Wait(run, _LOOK_AGAIN_S, Waiting(WaitKind.RETRY, run.account, reason))
    return _buy(run, ports, lease, provider)


def find_purchase(run: Run, provider: Provider) -> list[Job]:
    """The jobs that the run's present purchase has bought.

    The first look reads the listing to its end: after a loss of Redis the run is made anew, and
    its job may be older than the run. A look for an answer that was lost need not go so far.
    """
    since = None if run.purchase.intent_at is None else run.created_at
    return provider.find_jobs(purchase_name(run), since)


def purchase_name(run: Run) -> str:
    """How the provider knows the purchase."""
    return f"{run.id}/{run.purchase.n}"


def _buy(run: Run, ports: Ports, lease: Lease[Run], provider: Provider) -> StageResult[Run]:
    lease.renew(3 * ports.settings.request_timeout_s + _MARGIN_S)
    run = replace(run, purchase=Purchase(run.purchase.n, lease.now))
    lease.save(run)
    try:
        job = provider.create_job(_spec(run))
    except ProviderError as error:
        if error.ambiguous:
            return recover(run, run.account, error, _POST)
        return _refused(replace(run, purchase=Purchase(run.purchase.n)), error, provider, ports)
    return _bought(run, job, f"bought {job.id}")


def _bought(run: Run, job: Job, event: str) -> StageResult[Run]:
    purchase = Purchase(run.purchase.n)
    run = replace(run, stage=RunStage.TRAINING, job_id=job.id, purchase=purchase)
    if job.status.is_terminal:
        return Advance(with_job(run, job), event)
    return sleep_on_job(run, job, event)


def _refused(run: Run, error: ProviderError, provider: Provider, ports: Ports) -> StageResult[Run]:
    if error.kind is ErrorKind.CAPACITY:
        _, account = ports.settings.account(run.account)
        delay = error.retry_after_s or account.limits.poll_interval_s
        waiting = Waiting(WaitKind.SLOT, run.slot_pool, error.message)
        return Wait(run, delay, waiting, refused=slot_of(run, ports))
    may_be_lost = error.kind in {ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST}
    if may_be_lost and len(run.lost_files) < _MAX_LOST_FILES:
        try:
            lost = _lost_files(run, provider)
        except ProviderError as trouble:
            return recover(run, run.account, trouble)
        if lost:
            run = replace(run, stage=RunStage.UPLOADING, lost_files=run.lost_files + lost)
            return Advance(run, "the provider has lost a file; it is uploaded again",
                           free=True)  # fmt: skip
    return recover(run, run.account, error, _POST)


def _lost_files(run: Run, provider: Provider) -> tuple[str, ...]:
    if run.prepared is None:
        return ()
    files = (
        (run.training_file_id, run.prepared.training_digest),
        (run.validation_file_id, run.prepared.validation_digest),
    )
    # A file that the user brought has no digest here, and cannot be uploaded again.
    ours = (file_id for file_id, digest in files if file_id and digest)
    return tuple(file_id for file_id in ours if _is_gone(file_id, provider))


def _is_gone(file_id: str, provider: Provider) -> bool:
    try:
        provider.file(file_id)
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return True
        raise
    return False


def _spec(run: Run) -> JobSpec:
    request = run.request
    return JobSpec(
        model=request.model,
        training_file=run.training_file_id or "",
        validation_file=run.validation_file_id,
        method=request.method,
        suffix=request.suffix,
        seed=request.seed,
        purchase=purchase_name(run),
        labels={"tuneq_group": request.group, "tuneq_name": run.name},
    )

"""Creating: buy the job, once."""

from dataclasses import replace

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Purchase, Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.intents import LOOK_AGAIN_S, in_grace, new_intent
from tuneq_worker.ports.provider import Job, JobSpec, Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Hold, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import PURCHASE, looked, recover
from tuneq_worker.remote_files import is_gone
from tuneq_worker.stages.candidates import ENDED_IN_VAIN, Doubt, doubt, follower, told
from tuneq_worker.stages.purchase import (
    find_purchase,
    is_unmarked,
    keeps_metadata,
    lacks_own_file,
)
from tuneq_worker.stages.train import sleep_on_job, with_job
from tuneq_worker.stages.upload import slot_of

_MAX_LOST_FILES = 6  # training and validation file, three times over


def create(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Adopt the job that this purchase has bought already, or buy it.

    The list is looked at before every POST, the first included, and what is about to be bought is
    written down before it: whoever takes over from a dead worker finds either no intent, and so no
    job, or an intent, and so looks until the job must have shown. What cannot be told is for an
    operator.
    """
    if run.chosen is not None:  # it is there already, with a slot or without
        return _chosen(looked(run), run.chosen, ports, lease)
    for_slot = Advance(run, take=slot_of(run, ports))
    # What may have a job does not wait in line before it has looked: others may wait for it.
    if not lease.slot and not run.may_have_job:
        return for_slot
    run = replace(looked(run), candidates=())  # of no effect where the look fails
    seen = _found(run, ports, lease) or _in_doubt(run, ports, lease)
    if seen is not None:
        return seen
    return _buy(run, ports, lease) if lease.slot else replace(for_slot, item=run)


def _found(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run] | None:
    """What to do about the jobs that are known to be its; none where there is none."""
    every = find_purchase(run, ports)
    # Of several, those that somebody has cancelled no longer count.
    found = [job for job in every if job.status not in ENDED_IN_VAIN] or every[:1]
    if len(found) > 1:
        ids = tuple(job.id for job in every)
        return _held(run, ids, "several jobs bear this purchase")
    if found:
        return _bought(run, found[0], f"found {found[0].id}, bought before", lease.now)
    return None


def _in_doubt(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run] | None:
    """What to do while a job may be its, as far as can be told; none where none is."""
    intent = run.purchase.intent_at
    may_show = in_grace(run.purchase.intent_at, ports, lease)
    doubts = Doubt()
    # A shared upload of ours tells nothing, but then an intent tells whether there may be a job.
    if is_unmarked(run, ports.settings) and (
        intent is not None or not lacks_own_file(run, ports.settings)
    ):
        doubts = doubt(run, ports)
    if doubts.jobs and doubts.rivals and (intent is None or may_show):
        whose = f"of {doubts.rivals[0]}, whose creation is not answered yet"
        # What has not bought keeps no slot from others meanwhile.
        reason = f"{told(doubts.jobs)} on its file may be {whose}"
        return _look_again(run, reason, free=intent is None)
    if doubts.jobs:
        why = "jobs that no run follows train on its file"
        return _held(run, doubts.jobs, why, free=intent is None)
    if may_show:
        return _look_again(run, "a creation was not answered; looking whether the job is there")
    return None


def _chosen(run: Run, job_id: str, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Adopt what an operator has chosen, unless it is another run's by now."""
    undecided = replace(run, chosen=None)
    other = follower(run, job_id, ports)
    if other is not None:
        return Hold(undecided, f"{job_id} was chosen, but is the job of {other}")
    try:
        job = ports.accounts.provider(run.account).job(job_id)
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return Hold(undecided, f"{job_id} was chosen, but is gone at the provider")
    return _bought(undecided, job, f"adopted {job_id}, as an operator chose", lease.now)


def _held(run: Run, candidates: tuple[str, ...], why: str, *, free: bool = False) -> Hold[Run]:
    return Hold(replace(run, candidates=candidates), f"{why}: {told(candidates)}", free)


def _look_again(run: Run, reason: str, *, free: bool = False) -> Wait[Run]:
    return Wait(run, LOOK_AGAIN_S, Waiting(WaitKind.RETRY, run.account, reason), free=free)


def _buy(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    if lacks_own_file(run, ports.settings):
        anew = replace(run, stage=RunStage.UPLOADING, purchase=Purchase(run.purchase.n))
        return Advance(anew, "the account keeps no metadata: its file is uploaded for it alone",
                       free=True)  # fmt: skip
    provider = ports.accounts.provider(run.account)
    run = _with_intent(run, ports, lease)
    lease.save(run)
    try:
        job = provider.create_job(_spec(run, ports), lease.require)
    except ProviderError as error:
        if error.ambiguous:  # the grace begins when it is over
            return recover(_with_intent(run, ports, lease), run.account, error, PURCHASE)
        return _refused(replace(run, purchase=Purchase(run.purchase.n)), error, provider, ports)
    return _bought(run, job, f"bought {job.id}", lease.now)


def _with_intent(run: Run, ports: Ports, lease: Lease[Run]) -> Run:
    return replace(run, purchase=Purchase(run.purchase.n, new_intent(ports, lease)))


def _bought(run: Run, job: Job, event: str, now: float) -> StageResult[Run]:
    purchase = Purchase(run.purchase.n)
    run = replace(run, stage=RunStage.TRAINING, job_id=job.id, purchase=purchase)
    if job.status.is_terminal:
        return Advance(with_job(run, job), event)
    return sleep_on_job(run, job, now, event)


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
    return recover(run, run.account, error, PURCHASE)


def _lost_files(run: Run, provider: Provider) -> tuple[str, ...]:
    if run.prepared is None:
        return ()
    files = (
        (run.training_file_id, run.prepared.training_digest),
        (run.validation_file_id, run.prepared.validation_digest),
    )
    # A file that the user brought has no digest here, and cannot be uploaded again.
    ours = (file_id for file_id, digest in files if file_id and digest)
    return tuple(file_id for file_id in ours if is_gone(file_id, provider))


def _spec(run: Run, ports: Ports) -> JobSpec:
    request, marked = run.request, keeps_metadata(run, ports.settings)
    return JobSpec(
        model=request.model,
        training_file=run.training_file_id or "",
        validation_file=run.validation_file_id,
        method=request.method,
        suffix=request.suffix,
        seed=request.seed,
        purchase=run.purchase_name if marked else None,
        labels={"tuneq_group": request.group, "tuneq_name": run.name} if marked else {},
    )

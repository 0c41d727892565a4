"""Rebuilding runs from the jobs that they bought, after Redis has lost them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.domain.request import PRIORITIES, FineTuneRequest
from tuneq_shared.domain.run import Purchase, Run
from tuneq_shared.errors import InvalidInputError, StaleClaimError
from tuneq_shared.ports.items import Commit, Creation, NewItem
from tuneq_shared.references import is_at_provider
from tuneq_shared.settings import describe
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.ports.stage import Ports
from tuneq_worker.reconcile.comparison import MarkedJob
from tuneq_worker.stages.train import with_job
from tuneq_worker.stages.upload import slot_of

REBUILT_LABEL = "tuneq_rebuilt_from"
"""The label of a rebuilt run's request: the job that it was made of."""


def adopt(account: str, orphans: Iterable[MarkedJob], ports: Ports) -> dict[str, str]:
    """Rebuild the runs of jobs that go on or went well.

    Of a run's purchases only the last one counts. A run that has come here meanwhile is left as it
    is, so this may be repeated.

    Returns:
        What came of each job that was looked at, by its id.
    """
    by_run: dict[str, list[MarkedJob]] = defaultdict(list)
    for orphan in orphans:
        by_run[orphan.purchase.run].append(orphan)
    deeds: dict[str, str] = {}
    for jobs in by_run.values():
        last = max(each.purchase.n for each in jobs)
        deeds |= _adopt_one([each for each in jobs if each.purchase.n == last], account, ports)
    return deeds


def _adopt_one(bought: Sequence[MarkedJob], account: str, ports: Ports) -> dict[str, str]:
    worth = [each for each in bought if _is_worth_following(each.job)]
    if not worth:
        return {each.job.id: "not adopted: it ended without a model" for each in bought}
    if len(worth) > 1:
        return {each.job.id: "not adopted: several jobs bear this purchase" for each in worth}
    (only,) = worth
    try:
        run = rebuilt(only, account)
    except ValidationError as error:
        return {only.job.id: f"not adopted: its metadata is damaged: {describe(error)}"}
    except InvalidInputError as error:
        return {only.job.id: f"not adopted: {error.message}"}
    return {only.job.id: _create(run, only.job, ports)}


def _is_worth_following(job: Job) -> bool:
    return job.status not in {JobStatus.FAILED, JobStatus.CANCELLED}


def rebuilt(orphan: MarkedJob, account: str) -> Run:
    """The run of an orphan, in training: all of its request that the provider still tells.

    Raises:
        ValidationError: its metadata or model cannot be those of a request.
        InvalidInputError: its training file is not the provider's.
    """
    job, run_id = orphan.job, orphan.purchase.run
    name = job.labels.get("tuneq_name")
    if not job.training_file or not is_at_provider(job.training_file):
        raise InvalidInputError("the provider does not tell its training file")
    request = FineTuneRequest.model_validate(
        {
            "account": account,
            "model": job.model,
            "training_file": job.training_file,
            "group": job.labels.get("tuneq_group", "default"),
            "name": None if name == run_id else name,
            "labels": {REBUILT_LABEL: job.id},
        }
    )
    run = Run(
        id=run_id,
        stage=RunStage.TRAINING,
        request=request,
        created_at=0.0,
        training_file_id=job.training_file,
        purchase=Purchase(orphan.purchase.n),
        job_id=job.id,
    )
    return with_job(run, job)


def _create(run: Run, job: Job, ports: Ports) -> str:
    new = NewItem(
        item=run.item,
        stage=run.stage,
        fixed=fixed_part(run),
        doc=document(run),
        digest=run.request.digest(),
        group=run.request.group,
        name=run.name,
        rank=PRIORITIES[run.request.priority],
    )
    (answer,) = ports.items.create([new])
    match answer:
        case Creation.CREATED:
            _begin(run, job, ports)
            return f"adopted as {new.group}/{new.name}"
        case Creation.NAME_TAKEN:
            return f"not adopted: group {new.group} has another run of the name {new.name}"
        case _:
            return "not adopted: its run has come here meanwhile"


def _begin(run: Run, job: Job, ports: Ports) -> None:
    """Say in its history what it is, and count its job as active.

    Dying before this, or a worker that is faster, costs only that: the label says it, too, and
    where the provider has no room for a further job it refuses one.
    """
    claim = ports.items.claim(run.item, ports.settings.lease_s)
    if claim is None:
        return
    active = not job.status.is_terminal
    commit = Commit(
        stage=run.stage,
        doc=document(run),
        event=f"rebuilt from {job.id}: its request was lost, so the job is followed and "
        "collected, and nothing is evaluated",
        take=slot_of(run, ports) if active else None,
        job=job.id if active else "",
    )
    try:
        ports.items.commit(claim, commit)
    except StaleClaimError:
        return  # a worker has it and goes on with it

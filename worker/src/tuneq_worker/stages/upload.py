"""Uploading: get the files to the provider, each content once for all runs that can share it."""

from dataclasses import replace

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage, UploadStage
from tuneq_shared.domain.record import document, fixed_part, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload, upload_id
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import NewItem, Slot
from tuneq_shared.settings import Settings
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, Sleep, StageResult
from tuneq_worker.stages.purchase import keeps_metadata


def upload(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Share the uploads, sleep on the first that is not ready, then ask for a slot."""
    del lease
    training, validation = (
        wanted and _join(run, wanted, ports) for wanted in wanted_uploads(run, ports.settings)
    )
    uploads = [shared for shared in (training, validation) if shared]
    # All have been taken up again now; one that fails anew is not taken up for ever.
    run = replace(run, again=False, sharing=True)
    for shared in uploads:
        if shared.stage is UploadStage.FAILED:
            failure = shared.failure or Failure("upload_failed", "the provider refused the file")
            return Fail(run, replace(failure, stage=run.stage))
    for shared in uploads:
        if shared.stage is not UploadStage.READY:
            reason = "the file is being uploaded"
            waiting = Waiting(WaitKind.UPLOAD, shared.item.key, reason)
            return Sleep(run, shared.item, waiting)
    run = replace(
        run,
        stage=RunStage.CREATING,
        sharing=False,
        training_file_id=training.file_id if training else run.request.training_file,
        validation_file_id=validation.file_id if validation else run.request.validation_file,
        file_purchase=run.purchase.n if training and training.purchase else None,
        file_since=training.file_since if training and training.purchase else None,
    )
    # What may have a job looks for it first.
    return Advance(run, take=None if run.may_have_job else slot_of(run, ports))


def wanted_uploads(run: Run, settings: Settings) -> tuple[Upload | None, Upload | None]:
    """The training and the validation file as new uploads; none for what is there already.

    Where jobs do not keep their metadata, each purchase has a training file of its own, whose id
    then tells its job.
    """
    prepared = run.prepared
    if prepared is None:
        return None, None
    purchase = "" if keeps_metadata(run, settings) else run.purchase_name
    return (
        _new_upload(run.account, prepared.training_digest, purchase),
        _new_upload(run.account, prepared.validation_digest),
    )


def _new_upload(account: str, digest: str | None, purchase: str = "") -> Upload | None:
    if not digest:
        return None
    return Upload(
        id=upload_id(account, digest, purchase).key,
        stage=UploadStage.PENDING,
        account=account,
        digest=digest,
        purchase=purchase,
        # Redis may have lost an earlier upload, whose file tells a job: it is looked for first.
        sending=bool(purchase),
    )


def slot_of(run: Run, ports: Ports) -> Slot:
    """Where the run's job counts as active."""
    _, account = ports.settings.account(run.account)
    return Slot(run.slot_pool, account.limits.max_active_jobs)


def _join(run: Run, wanted: Upload, ports: Ports) -> Upload:
    item = wanted.item
    new = NewItem(
        item=item,
        stage=wanted.stage,
        fixed=fixed_part(wanted),
        doc=document(wanted),
        digest=wanted.digest,
    )
    # What failed for another run, at another time, is no answer to this one.
    tries_anew = run.again or not run.sharing
    revive_from = [UploadStage.CANCELLED, *([UploadStage.FAILED] if tries_anew else [])]
    ports.items.join(new, str(run.item), revive_from)
    shared = _read(item, ports)
    if shared.stage is UploadStage.READY and shared.file_id in run.lost_files:
        ports.items.join(new, str(run.item), [UploadStage.READY])
        shared = _read(item, ports)
    return shared


def _read(item: ItemId, ports: Ports) -> Upload:
    (record,) = ports.catalogue.read([item])
    if record is None:
        raise LookupError(f"{item} vanished from Redis while it was looked at")
    return load(record, Upload)

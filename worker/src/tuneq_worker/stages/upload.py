"""Uploading: get the files to the provider, each content once however many runs share it."""

from dataclasses import replace

from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage, UploadStage
from tuneq_shared.domain.record import document, fixed_part, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload, upload_id
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import NewItem, Slot
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, Sleep, StageResult


def upload(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Share the uploads, sleep on the first that is not ready, then ask for a slot."""
    del lease
    uploads = [_join(run, digest, ports) for digest in digests(run)]
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
    ready = {shared.digest: shared.file_id for shared in uploads}
    request, prepared = run.request, run.prepared
    run = replace(
        run,
        stage=RunStage.CREATING,
        sharing=False,
        training_file_id=ready.get(prepared.training_digest)
        if prepared and prepared.training_digest
        else request.training_file,
        validation_file_id=ready.get(prepared.validation_digest)
        if prepared and prepared.validation_digest
        else request.validation_file,
    )
    return Advance(run, take=slot_of(run, ports))


def digests(run: Run) -> list[str]:
    """The contents that must be at the provider; none for files that are there already."""
    prepared = run.prepared
    if prepared is None:
        return []
    return [d for d in (prepared.training_digest, prepared.validation_digest) if d]


def slot_of(run: Run, ports: Ports) -> Slot:
    """Where the run's job counts as active."""
    _, account = ports.settings.account(run.account)
    return Slot(run.slot_pool, account.limits.max_active_jobs)


def _join(run: Run, digest: str, ports: Ports) -> Upload:
    item = upload_id(run.account, digest)
    fresh = Upload(id=item.key, stage=UploadStage.PENDING, account=run.account, digest=digest)
    new = NewItem(
        item=item, stage=fresh.stage, fixed=fixed_part(fresh), doc=document(fresh), digest=digest
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

"""An upload's own stages: send the bytes, then wait until the provider has looked at them."""

from dataclasses import replace

from tuneq_shared.data_root import staged_path
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.lifecycle import UploadStage
from tuneq_shared.domain.upload import Upload
from tuneq_shared.ports.items import Asked
from tuneq_worker.deadlines import deadlines_of, stuck_file
from tuneq_worker.ports.provider import FileState, ProviderError, RemoteFile
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import with_attempt

_LOOK_AGAIN_S = 2.0
_LOOKS = 5
_SENDS = 3


def send(upload: Upload, ports: Ports, lease: Lease[Upload]) -> StageResult[Upload]:
    """Send the file, unless an earlier send of unknown outcome has brought it there.

    One that the provider has never processed is not the one that was sent last.
    """
    if lease.asked is Asked.CANCEL:
        return Advance(replace(upload, stage=UploadStage.CANCELLED), answered=Asked.CANCEL)
    provider = ports.accounts.provider(upload.account)
    if upload.file_id is not None:  # of an earlier life: it is to be deleted with the upload
        earlier = tuple(dict.fromkeys((*upload.former, upload.file_id)))
        upload = replace(upload, file_id=None, former=earlier)
    # Files of an upload that was forgotten are deleted soon. Asked before the listing: the provider
    # deletes a file before it is struck off here.
    unfit = {*upload.stuck, *ports.retention.forgotten(upload.account)} if upload.sending else set()
    found = provider.find_file(upload.filename) if upload.sending else None
    if found is None or found.id in unfit:
        upload = replace(upload, sending=True, sends=upload.sends + 1, failure=None)
        lease.save(upload)
        with ports.data.read(staged_path(upload.digest)) as content:
            found = provider.upload(upload.filename, content, lease.require)
    there = replace(upload, sending=False, file_id=found.id, sent_at=None)
    return _follow(there, found, ports, lease.now)


def await_ready(upload: Upload, ports: Ports, lease: Lease[Upload]) -> StageResult[Upload]:
    """Look whether the provider is done with the file, which may not take for ever."""
    if lease.asked is Asked.CANCEL:
        return Advance(replace(upload, stage=UploadStage.CANCELLED), answered=Asked.CANCEL)
    try:
        found = ports.accounts.provider(upload.account).file(upload.file_id or "")
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return _vanished(upload, error)
    return _follow(upload, found, ports, lease.now)


def _vanished(upload: Upload, error: ProviderError) -> StageResult[Upload]:
    """A new file may take a while to show; one that never does is sent again, but not for ever."""
    if upload.attempts < _LOOKS:
        return Wait(with_attempt(upload), _LOOK_AGAIN_S)
    if upload.sends >= _SENDS:
        words = f"sent {upload.sends} times, and each time it vanished: {error.message}"
        return Fail(upload, Failure("file_lost", words))
    return Advance(replace(upload, stage=UploadStage.PENDING, attempts=0))


def _follow(upload: Upload, found: RemoteFile, ports: Ports, now: float) -> StageResult[Upload]:
    since = now if upload.sent_at is None else upload.sent_at
    # A file is not from the future, whatever the provider says: jobs on it would be missed.
    created_at = None if found.created_at is None else min(found.created_at, now)
    upload = replace(upload, attempts=0, file_since=created_at)
    match found.state:
        case FileState.READY:
            return Advance(replace(upload, stage=UploadStage.READY, sends=0))
        case FileState.ERROR:
            detail = found.detail or "the provider gives no reason"
            return Fail(upload, Failure("file_refused", f"{upload.file_id}: {detail}"))
        case FileState.PENDING:
            deadlines = deadlines_of(upload.account, ports.settings)
            if overdue := stuck_file(upload, since, deadlines, now):
                return Fail(replace(upload, stuck=(*upload.stuck, found.id)), overdue)
            return Wait(replace(upload, stage=UploadStage.SENT, sent_at=since), _LOOK_AGAIN_S)

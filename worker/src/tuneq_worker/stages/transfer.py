"""An upload's own stages: send the bytes, then wait until the provider has looked at them."""

from dataclasses import replace

from tuneq_shared.data_root import staged_path
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.lifecycle import UploadStage
from tuneq_shared.domain.upload import Upload
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.provider import FileState, ProviderError, RemoteFile
from tuneq_worker.ports.stage import Advance, Fail, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import with_attempt

_LOOK_AGAIN_S = 2.0
_LOOKS = 5
_SENDS = 3


def send(upload: Upload, ports: Ports, lease: Lease[Upload]) -> StageResult[Upload]:
    """Send the file, unless an earlier send of unknown outcome has brought it there."""
    if lease.asked is Asked.CANCEL:
        return Advance(replace(upload, stage=UploadStage.CANCELLED), answered=Asked.CANCEL)
    provider = ports.accounts.provider(upload.account)
    found = provider.find_file(upload.filename) if upload.sending else None
    if found is None:
        upload = replace(upload, sending=True, sends=upload.sends + 1, file_id=None, failure=None)
        lease.save(upload)
        with ports.data.read(staged_path(upload.digest)) as content:
            found = provider.upload(upload.filename, content)
    return _follow(replace(upload, sending=False, file_id=found.id), found)


def await_ready(upload: Upload, ports: Ports, lease: Lease[Upload]) -> StageResult[Upload]:
    """Look whether the provider is done with the file."""
    if lease.asked is Asked.CANCEL:
        return Advance(replace(upload, stage=UploadStage.CANCELLED), answered=Asked.CANCEL)
    try:
        found = ports.accounts.provider(upload.account).file(upload.file_id or "")
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return _vanished(upload, error)
    return _follow(upload, found)


def _vanished(upload: Upload, error: ProviderError) -> StageResult[Upload]:
    """A new file may take a while to show; one that never does is sent again, but not for ever."""
    if upload.attempts < _LOOKS:
        return Wait(with_attempt(upload), _LOOK_AGAIN_S)
    if upload.sends >= _SENDS:
        words = f"sent {upload.sends} times, and each time it vanished: {error.message}"
        return Fail(upload, Failure("file_lost", words))
    return Advance(replace(upload, stage=UploadStage.PENDING, file_id=None, attempts=0))


def _follow(upload: Upload, found: RemoteFile) -> StageResult[Upload]:
    upload = replace(upload, attempts=0)
    match found.state:
        case FileState.READY:
            return Advance(replace(upload, stage=UploadStage.READY, sends=0))
        case FileState.ERROR:
            detail = found.detail or "the provider gives no reason"
            return Fail(upload, Failure("file_refused", f"{upload.file_id}: {detail}"))
        case FileState.PENDING:
            return Wait(replace(upload, stage=UploadStage.SENT), _LOOK_AGAIN_S)

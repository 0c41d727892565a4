"""Large files: sent in parts, of which the provider makes a file at the end."""

import hashlib
import io
import logging
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Literal

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import FileState, ProviderError, RemoteFile
from tuneq_worker.providers.openai.caller import Caller
from tuneq_worker.providers.openai.documents import (
    CompletedUploadDocument,
    FileDocument,
    PartDocument,
    UploadDocument,
)

if TYPE_CHECKING:
    from hashlib import _Hash

    from _typeshed import WriteableBuffer

log = logging.getLogger(__name__)

Purpose = Literal["fine-tune", "batch"]
"""What a file is sent for."""

_MIME_TYPE = "text/jsonl"
_TRIES = 3  # of one part
_LONGEST_PAUSE_S = 5.0  # what asks for more is left to the stage


class PartCalls(Caller):
    """The part of the port that is about files too large for one request."""

    def _upload_in_parts(
        self, name: str, content: BinaryIO, size: int, check: Check | None, purpose: Purpose
    ) -> RemoteFile:
        """Send so many bytes one part after the other; what fails for good is never gone on with.

        Until the last request was carried out there is no file that anybody could find. An
        upload that nobody completes, such as that of a killed worker, expires at the provider. So
        the check is made before the last.
        """
        uploads = self._client.uploads.with_raw_response
        begun = self._read(
            UploadDocument,
            lambda: uploads.create(
                bytes=size, filename=name, mime_type=_MIME_TYPE, purpose=purpose
            ),
        )
        step, digest = self._capabilities.part_bytes, hashlib.md5(usedforsecurity=False)
        try:
            parts = [
                self._send(begun.id, FileSlice(content, start, min(step, size - start), digest))
                for start in range(0, size, step)
            ]
        except (ProviderError, OSError):
            self._give_up(begun.id)
            raise
        try:
            completed = self._read(
                CompletedUploadDocument,
                lambda: uploads.complete(begun.id, part_ids=parts, md5=digest.hexdigest()),
                check,
            )
        except ProviderError as error:
            if not error.ambiguous:  # else it may be a file by now, or become one yet
                self._give_up(begun.id)
            raise
        return self._file_of(completed.file)

    def _file_of(self, document: FileDocument) -> RemoteFile:
        """In our words; where nobody looks files through, each can be trained on at once."""
        file = document.to_file()
        at_once = file.state is FileState.PENDING and not self._capabilities.file_wait
        return replace(file, state=FileState.READY) if at_once else file

    def _send(self, upload_id: str, part: "FileSlice") -> str:
        """Send a part; again after an error that may pass, for a part that no one names is none."""
        tries = 1
        while True:
            try:
                return self._send_once(upload_id, part)
            except ProviderError as error:
                pause_s = _pause_s(error)
                if pause_s is None or tries == _TRIES:
                    raise
                log.info("account %s: a part is sent again: %s", self._account, error)
            tries += 1
            time.sleep(pause_s)

    def _send_once(self, upload_id: str, part: "FileSlice") -> str:
        parts = self._client.uploads.parts.with_raw_response
        part.seek(0)
        # The slice outlives its reader, which would close it.
        reader = io.BufferedReader(part)
        try:
            return self._read(
                PartDocument, lambda: parts.create(upload_id, data=("part", reader))
            ).id
        finally:
            reader.detach()

    def _give_up(self, upload_id: str) -> None:
        uploads = self._client.uploads.with_raw_response
        try:
            self._fetch(lambda: uploads.cancel(upload_id))
        except ProviderError as error:
            log.info("account %s: %s is left to expire: %s", self._account, upload_id, error)


def _pause_s(error: ProviderError) -> float | None:
    """After how many seconds to try again at once; none where that is no use or takes long."""
    if error.kind is ErrorKind.RATE and error.retry_after_s is None:
        return None
    asked = error.retry_after_s or 0.0
    may_pass = error.ambiguous or error.kind is ErrorKind.RATE
    return asked if may_pass and asked <= _LONGEST_PAUSE_S else None


class FileSlice(io.RawIOBase):
    """Some bytes of a file as a file of its own; nothing is held in memory.

    Each byte goes into the digest when it is read for the first time.
    """

    def __init__(self, whole: BinaryIO, start: int, length: int, digest: "_Hash") -> None:
        super().__init__()
        self._whole = whole
        self._start = start
        self._length = length
        self._digest = digest
        self._at = 0
        self._digested = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place within the slice."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read on, as far as the slice goes."""
        room = memoryview(buffer).cast("B")
        self._whole.seek(self._start + self._at)
        piece = self._whole.read(max(0, min(len(room), self._length - self._at)))
        room[: len(piece)] = piece
        self._at += len(piece)
        fresh = self._at - self._digested
        if 0 < fresh <= len(piece):
            self._digest.update(piece[-fresh:])
            self._digested = self._at
        return len(piece)

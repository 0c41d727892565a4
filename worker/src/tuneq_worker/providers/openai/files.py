"""Files of an account."""

import os
from typing import BinaryIO

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import FileState, ProviderError, RemoteFile
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.openai.caller import PAGE
from tuneq_worker.providers.openai.documents import FileDocument
from tuneq_worker.providers.openai.errors import TOO_LARGE, read_answer
from tuneq_worker.providers.openai.parts import PartCalls, Purpose


class FileCalls(PartCalls):
    """The part of the port that is about files."""

    def upload(self, name: str, content: BinaryIO, check: Check | None = None) -> RemoteFile:
        """Send a file for fine-tuning, read piece by piece; in parts where it is large."""
        return self._upload(name, content, check, "fine-tune")

    def upload_requests(
        self, name: str, content: BinaryIO, check: Check | None = None
    ) -> RemoteFile:
        """Send a file for a batch in the same way."""
        return self._upload(name, content, check, "batch")

    def _upload(
        self, name: str, content: BinaryIO, check: Check | None, purpose: Purpose
    ) -> RemoteFile:
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        largest = self._capabilities.largest_file_bytes
        if size > largest:
            words = f"the file has {size:,} bytes; the provider takes at most {largest:,}"
            raise ProviderError(ErrorKind.BAD_REQUEST, words, code=TOO_LARGE)
        if size > self._capabilities.plain_file_bytes:
            return self._upload_in_parts(name, content, size, check, purpose)
        files = self._client.files.with_raw_response
        document = self._read(
            FileDocument, lambda: files.create(file=(name, content), purpose=purpose), check
        )
        return self._file_of(document)

    def find_file(self, name: str) -> RemoteFile | None:
        """The newest file of that name that is not in error; the listing is asked newest first."""
        return self._find(name, "fine-tune")

    def find_requests(self, name: str) -> RemoteFile | None:
        """The same among the files for batches."""
        return self._find(name, "batch")

    def _find(self, name: str, purpose: Purpose) -> RemoteFile | None:
        files = self._client.files.with_raw_response
        pages = self._pages(
            lambda after: files.list(purpose=purpose, limit=PAGE, order="desc", after=after)
        )
        for entries in pages:
            # Of foreign ones nothing is read: they may be told in any way.
            named = [entry for entry in entries if entry.get("filename") == name]
            documents = [read_answer(FileDocument, entry) for entry in named]
            usable = [each for each in documents if each.to_file().state is not FileState.ERROR]
            if usable:
                return self._file_of(max(usable, key=lambda each: each.created_at or 0.0))
        return None

    def file(self, file_id: str) -> RemoteFile:
        """Look at a file."""
        files = self._client.files.with_raw_response
        return self._file_of(self._read(FileDocument, lambda: files.retrieve(file_id)))

    def delete_file(self, file_id: str) -> None:
        """Delete a file, unless it is gone."""
        files = self._client.files.with_raw_response
        with unless_gone():
            self._fetch(lambda: files.delete(file_id))

    def result_file(self, file_id: str) -> bytes:
        """The content of a file, as it came."""
        files = self._client.files.with_raw_response
        return self._fetch(lambda: files.content(file_id))

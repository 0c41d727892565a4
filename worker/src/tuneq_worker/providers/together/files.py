"""Files of an account."""

import os
import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import httpx

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import FileState, ProviderError, RemoteFile
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.openai.errors import TOO_LARGE, read_answer, without_key
from tuneq_worker.providers.together.caller import Caller
from tuneq_worker.providers.together.documents import METRICS, FileDocument, PageDocument


class FileCalls(Caller):
    """The part of the port that is about files."""

    _capabilities: Capabilities

    def upload(self, name: str, content: BinaryIO, check: Check | None = None) -> RemoteFile:
        """Send a file for fine-tuning, by the SDK: asked for, put into a storage, handed in.

        Together keeps equal contents once: of a content that is there, the file that holds it is
        given, whatever its name is.
        """
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        largest = self._capabilities.largest_file_bytes
        if size > largest:
            words = f"the file has {size:,} bytes; the provider takes at most {largest:,}"
            raise ProviderError(ErrorKind.BAD_REQUEST, words, code=TOO_LARGE)
        with TemporaryDirectory(prefix="tuneq-upload-") as folder:
            path = Path(folder) / Path(name).name  # the SDK takes the name from the path
            with path.open("wb") as copy:
                shutil.copyfileobj(content, copy)
            sent = self._send(lambda: self._client.files.upload(path, check=False), check)
        told = without_key(sent.to_json().encode(), self._key)
        return read_answer(FileDocument, told).to_file()

    def find_file(self, name: str) -> RemoteFile | None:
        """The newest file of that name that is not in error; the listing has one page.

        One that is not processed is handed in once more: the send may have broken off before that.
        """
        files = self._client.files.with_raw_response
        entries = self._read(PageDocument, files.list).data
        # Of foreign ones nothing is read: they may be told in any way.
        named = [entry for entry in entries if entry.get("filename") == name]
        documents = [read_answer(FileDocument, entry) for entry in named]
        usable = [each for each in documents if each.to_file().state is not FileState.ERROR]
        newest = max(usable, key=lambda each: each.created_at, default=None)
        if newest is None or newest.to_file().state is not FileState.PENDING:
            return newest.to_file() if newest else None
        return self._hand_in(newest.id)

    def _hand_in(self, file_id: str) -> RemoteFile | None:
        """What the SDK does last when it sends a file; none where its bytes have never come."""
        path = f"/v1/files/{file_id}/preprocess"
        answer = partial(self._client.post, path, cast_to=httpx.Response)
        try:
            return self._read(FileDocument, answer).to_file()
        except ProviderError as error:
            if error.kind not in {ErrorKind.BAD_REQUEST, ErrorKind.NOT_FOUND}:
                raise
            return None

    def file(self, file_id: str) -> RemoteFile:
        """Look at a file."""
        files = self._client.files.with_raw_response
        return self._read(FileDocument, lambda: files.retrieve(file_id)).to_file()

    def delete_file(self, file_id: str) -> None:
        """Delete a file, unless it is gone."""
        files = self._client.files.with_raw_response
        with unless_gone():
            self._fetch(lambda: files.delete(file_id))

    def result_file(self, file_id: str) -> bytes:
        """A job's step metrics as they came, or the content of a file."""
        if file_id.endswith(METRICS):
            jobs = self._client.fine_tuning.with_raw_response
            return self._fetch(lambda: jobs.list_metrics(file_id.removesuffix(METRICS)))
        files = self._client.files.with_raw_response
        return self._fetch(lambda: files.content(file_id))

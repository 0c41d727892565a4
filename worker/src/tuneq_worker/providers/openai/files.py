"""Files of an account."""

from typing import BinaryIO

from tuneq_worker.ports.provider import FileState, RemoteFile
from tuneq_worker.providers.openai.caller import PAGE, Caller
from tuneq_worker.providers.openai.documents import FileDocument
from tuneq_worker.providers.openai.errors import read_answer


class FileCalls(Caller):
    """The part of the port that is about files."""

    def upload(self, name: str, content: BinaryIO) -> RemoteFile:
        """Send a file for fine-tuning, read piece by piece."""
        files = self._client.files.with_raw_response
        return self._read(
            FileDocument, lambda: files.create(file=(name, content), purpose="fine-tune")
        ).to_file()

    def find_file(self, name: str) -> RemoteFile | None:
        """The newest file of that name that is not in error; the listing is asked newest first."""
        files = self._client.files.with_raw_response
        pages = self._pages(
            lambda after: files.list(purpose="fine-tune", limit=PAGE, order="desc", after=after)
        )
        for entries in pages:
            documents = [read_answer(FileDocument, entry) for entry in entries]
            usable = [
                each
                for each in documents
                if each.filename == name and each.to_file().state is not FileState.ERROR
            ]
            if usable:
                return max(usable, key=lambda each: each.created_at).to_file()
        return None

    def file(self, file_id: str) -> RemoteFile:
        """Look at a file."""
        files = self._client.files.with_raw_response
        return self._read(FileDocument, lambda: files.retrieve(file_id)).to_file()

    def result_file(self, file_id: str) -> bytes:
        """The content of a file, as it came."""
        files = self._client.files.with_raw_response
        return self._fetch(lambda: files.content(file_id))

"""Datasets of an account, each of which is a file to us."""

import os
import secrets
from typing import BinaryIO

from fireworks.types import DatasetParam

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import FileState, ProviderError, RemoteFile
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.fireworks.caller import Caller, ExistsError
from tuneq_worker.providers.fireworks.documents import AddressesDocument, DatasetDocument
from tuneq_worker.providers.fireworks.names import dataset_of, id_for
from tuneq_worker.providers.fireworks.signed import SignedAddresses
from tuneq_worker.providers.openai.errors import TOO_LARGE

_FILENAME = "data.jsonl"
_DISPLAYED = 63  # characters of a display name
_PIECE = 1 << 20
_NOT_EMPTY = "FAILED_PRECONDITION"
_AT_ONCE = 150 * 10**6
"""Bytes that Fireworks takes itself; more go to an address that it signs."""


class DatasetCalls(Caller):
    """The part of the port that is about files."""

    _signed: SignedAddresses

    def upload(self, name: str, content: BinaryIO, check: Check | None = None) -> RemoteFile:
        """Create a dataset and send its bytes, read piece by piece.

        Its id is made of the name, so that one whose answer was lost is found again; beside one
        that is ready already, another is made.
        """
        size = content.seek(0, os.SEEK_END)
        largest = self._capabilities.largest_file_bytes
        if size > largest:
            words = f"the file has {size:,} bytes; the provider takes at most {largest:,}"
            raise ProviderError(ErrorKind.BAD_REQUEST, words, code=TOO_LARGE)
        dataset_id, parameters = id_for(name), _parameters(name, content)
        resent = not self._create(dataset_id, parameters, check)
        if resent and self._look_at(dataset_id).state is FileState.READY:
            dataset_id, resent = f"{dataset_id}-{secrets.token_hex(4)}", False
            self._create(dataset_id, parameters, check)
        content.seek(0)
        try:
            self._send(dataset_id, content, size, check)
        except ProviderError as error:
            if not resent or error.kind is not ErrorKind.BAD_REQUEST:
                raise
            # An earlier send, of which we heard nothing, may have come through meanwhile.
            found = self._look_at(dataset_id)
            if found.state is not FileState.READY and error.code != _NOT_EMPTY:
                raise
            return found
        return self._look_at(dataset_id)

    def find_file(self, name: str) -> RemoteFile | None:
        """The dataset of that name, if its bytes have come: others are sent again."""
        try:
            found = self._look_at(id_for(name))
        except ProviderError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return None
        return found if found.state is FileState.READY else None

    def file(self, file_id: str) -> RemoteFile:
        """Look at a dataset."""
        return self._look_at(dataset_of(file_id))

    def delete_file(self, file_id: str) -> None:
        """Delete a dataset, unless it is gone."""
        datasets = self._client.datasets.with_raw_response
        with unless_gone():
            self._fetch(lambda: datasets.delete(dataset_of(file_id)))

    def _look_at(self, dataset_id: str) -> RemoteFile:
        datasets = self._client.datasets.with_raw_response
        found = self._read(DatasetDocument, lambda: datasets.get(dataset_id))
        return found.to_file(self._options.account_id)

    def _content(self, file_id: str) -> bytes:
        datasets, dataset_id = self._client.datasets.with_raw_response, dataset_of(file_id)
        answer = self._read(AddressesDocument, lambda: datasets.get_download_endpoint(dataset_id))
        addresses = answer.filename_to_signed_urls
        return b"".join(self._signed.get(addresses[name]) for name in sorted(addresses))

    def _create(self, dataset_id: str, parameters: DatasetParam, check: Check | None) -> bool:
        """Whether it was created; else it was there."""
        datasets = self._client.datasets.with_raw_response
        try:
            self._read(
                DatasetDocument,
                lambda: datasets.create(dataset=parameters, dataset_id=dataset_id),
                check,
            )
        except ExistsError:
            return False
        return True

    def _send(self, dataset_id: str, content: BinaryIO, size: int, check: Check | None) -> None:
        datasets = self._client.datasets.with_raw_response
        if size <= _AT_ONCE:
            self._fetch(lambda: datasets.upload(dataset_id, file=(_FILENAME, content)), check)
            return
        sizes = {_FILENAME: str(size)}
        answer = self._read(
            AddressesDocument,
            lambda: datasets.get_upload_endpoint(dataset_id, filename_to_size=sizes),
        )
        self._signed.put(answer.filename_to_signed_urls.get(_FILENAME, ""), content, size)
        self._fetch(lambda: datasets.validate_upload(dataset_id, body={}), check)


def _parameters(name: str, content: BinaryIO) -> DatasetParam:
    content.seek(0)
    lines, last = 0, b""
    while piece := content.read(_PIECE):
        lines, last = lines + piece.count(b"\n"), piece[-1:]
    count = lines + (last not in {b"", b"\n"})
    return {
        "display_name": name[:_DISPLAYED],
        "example_count": str(count),
        "format": "CHAT",
        "user_uploaded": {},
    }

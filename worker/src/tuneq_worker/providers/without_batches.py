"""Where chat requests cannot be asked for in files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NoReturn

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.batches import Answer, Batch
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import ProviderError, RemoteFile


class WithoutBatches:
    """The part of the port that is about batches: each call is refused."""

    def request_line(
        self,
        request: str,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> bytes:
        """Refused."""
        del request, model, messages, parameters
        _refuse()

    def upload_requests(
        self, name: str, content: BinaryIO, check: Check | None = None
    ) -> RemoteFile:
        """Refused."""
        del name, content, check
        _refuse()

    def find_requests(self, name: str) -> RemoteFile | None:
        """Refused."""
        del name
        _refuse()

    def create_batch(
        self, requests: str, purchase: str | None, check: Check | None = None
    ) -> Batch:
        """Refused."""
        del requests, purchase, check
        _refuse()

    def find_batches(self, purchase: str, requests: str, since: float) -> list[Batch]:
        """Refused."""
        del purchase, requests, since
        _refuse()

    def batch(self, batch_id: str) -> Batch:
        """Refused."""
        del batch_id
        _refuse()

    def cancel_batch(self, batch_id: str) -> Batch:
        """Refused."""
        del batch_id
        _refuse()

    def read_answers(self, raw: bytes) -> Iterator[Answer]:
        """Refused."""
        del raw
        _refuse()


def _refuse() -> NoReturn:
    raise ProviderError(ErrorKind.BAD_REQUEST, "this account takes no batches of chat requests")

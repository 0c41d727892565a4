"""The part of the provider port that is about batches: chat requests in files, slow and cheaper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from tuneq_worker.ports.check import Check

if TYPE_CHECKING:
    from tuneq_worker.ports.provider import Completion, ProviderError, RemoteFile

WINDOW_S = 24 * 3600.0
"""A batch has ended so long after its creation, done or not."""


class BatchStatus(StrEnum):
    """Where a batch stands, in our words. What is not known is never taken for an end."""

    ACTIVE = "active"
    COMPLETED = "completed"
    EXPIRED = "expired"  # its time was over: some requests have no answer
    CANCELLED = "cancelled"  # some requests may have an answer all the same
    FAILED = "failed"  # refused as a whole: nothing was asked

    @property
    def is_terminal(self) -> bool:
        """Whether the batch has ended."""
        return self is not BatchStatus.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as the provider tells it."""

    id: str
    status: BatchStatus
    raw_status: str
    created_at: float | None  # the provider's clock, seconds; none where it does not say
    purchase: str | None = None
    requests: str | None = None  # the file that it was made of
    answers: tuple[str, ...] = ()  # files: what was answered, and what went wrong
    failure: "ProviderError | None" = None  # why it was refused as a whole


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request of a batch."""

    request: str  # its id, as given to `request_line`
    result: "Completion | ProviderError"


class Batches(Protocol):
    """An account's batches. One attempt each; raises `ProviderError`."""

    def request_line(
        self,
        request: str,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> bytes:
        """A chat request as a line of a batch's file, under an id that is unique in it."""

    def upload_requests(
        self, name: str, content: BinaryIO, check: Check | None = None
    ) -> "RemoteFile":
        """Send a file of request lines, unless the check objects."""

    def find_requests(self, name: str) -> "RemoteFile | None":
        """The newest file of requests of that name that can still be used."""

    def create_batch(
        self, requests: str, purchase: str | None, check: Check | None = None
    ) -> Batch:
        """Buy the answers to a file of requests, unless the check objects.

        After an ambiguous error the batch may still exist. Without a purchase no metadata is sent.
        """

    def find_batches(self, purchase: str, requests: str, since: float) -> list[Batch]:
        """The batches of a purchase, or of a file where they say of none, from an hour before."""

    def batch(self, batch_id: str) -> Batch:
        """Look at a batch."""

    def cancel_batch(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled; one that cannot be is answered as it is."""

    def read_answers(self, raw: bytes) -> Iterator[Answer]:
        """Read a file of answers; what cannot be read is left out."""

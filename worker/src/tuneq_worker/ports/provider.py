"""The provider port: all that tuneq asks of an account, in tuneq's own words."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

from tuneq_shared.domain.failure import AMBIGUOUS, ErrorKind
from tuneq_shared.domain.request import Method
from tuneq_shared.ports.limits import Headroom
from tuneq_worker.ports.batches import Batches
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import Models


class JobStatus(StrEnum):
    """Where a job stands, in our words. Unknown is never taken for an end."""

    VALIDATING = "validating"
    QUEUED = "queued"
    RUNNING = "running"
    FINALIZING = "finalizing"  # trained, its model has no name yet
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        """Whether the job has ended."""
        return self in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}

    @property
    def is_active(self) -> bool:
        """Whether the provider surely counts the job among the active ones."""
        return self in {JobStatus.VALIDATING, JobStatus.QUEUED, JobStatus.RUNNING}


class FileState(StrEnum):
    """Whether an uploaded file can be trained on."""

    PENDING = "pending"
    READY = "ready"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at the provider."""

    id: str
    state: FileState
    detail: str = ""  # why it is in error
    created_at: float | None = None  # the provider's clock, seconds; none: not told


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """A job to buy."""

    model: str
    training_file: str  # the provider's file id
    validation_file: str | None
    method: Method
    suffix: str | None
    seed: int | None
    purchase: str | None  # `<run>/<n>`, kept in the job's metadata; none: send no metadata
    labels: Mapping[str, str] = field(default_factory=dict)  # further metadata: run name, group


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the provider tells it."""

    id: str
    status: JobStatus
    raw_status: str
    model: str
    created_at: float  # the provider's clock, seconds
    purchase: str | None = None
    training_file: str | None = None
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    result_files: tuple[str, ...] = ()
    estimated_finish: float | None = None  # the provider's clock, seconds; none: not told
    labels: Mapping[str, str] = field(default_factory=dict)  # further metadata, from `all_jobs`


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer of a model."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    refused: bool = False  # the provider or the model declined to answer
    headroom: Headroom = field(default_factory=Headroom)


@dataclass(frozen=True, slots=True)
class StepMetric:
    """One row of a job's step metrics; blank cells are none."""

    step: int
    train_loss: float | None = None
    train_accuracy: float | None = None  # of tokens, hidden ones included
    valid_loss: float | None = None
    valid_accuracy: float | None = None
    full_valid_loss: float | None = None
    full_valid_accuracy: float | None = None


class ProviderError(Exception):
    """An answer that is none: its kind, and the provider's words with the key taken out."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        code: str | None = None,
        retry_after_s: float | None = None,
        headroom: Headroom | None = None,
    ) -> None:
        # What a provider sends may hold characters that no JSON can.
        message = message.encode("utf-8", "replace").decode()
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.code = code or kind.value
        self.retry_after_s = retry_after_s
        self.headroom = headroom or Headroom()

    @property
    def ambiguous(self) -> bool:
        """Whether the request may have been carried out all the same."""
        return self.kind in AMBIGUOUS


class Chat(Protocol):
    """An open line to an account's models."""

    async def complete(
        self, model: str, messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]
    ) -> Completion:
        """Ask once.

        Raises:
            ProviderError: there is no answer; nothing was tried again.
        """


class Provider(Models, Batches, Protocol):
    """An account. Every method is one attempt, may take seconds, and raises `ProviderError`."""

    def upload(self, name: str, content: BinaryIO, check: Check | None = None) -> RemoteFile:
        """Send a training or validation file, unless the check objects."""

    def find_file(self, name: str) -> RemoteFile | None:
        """The newest file of that name that can still be used."""

    def file(self, file_id: str) -> RemoteFile:
        """Look at a file."""

    def delete_file(self, file_id: str) -> None:
        """Delete a file; one that is gone is no error."""

    def create_job(self, spec: JobSpec, check: Check | None = None) -> Job:
        """Buy a job, unless the check objects. After an ambiguous error it may still exist."""

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        """The jobs of a purchase: among all, or those from an hour before `since` on."""

    def find_jobs_on(self, training_file: str, since: float | None) -> list[Job]:
        """The jobs that train on a file: among all, or those from an hour before `since` on."""

    def all_jobs(self) -> Iterator[Job]:
        """Every job of the account with its labels, newest first where the provider lists them so.

        Raises:
            ProviderError: the listing fails or does not end, or a job of ours cannot be read.
        """

    def sweep(self, job_ids: Sequence[str], *, others: bool = False) -> list[Job]:
        """The present state of these jobs, in few calls; those gone or unreadable are left out.

        With `others` also every further active job that is met on the way, at least those among
        the newest jobs of the account. Older ones may be missing.
        """

    def job(self, job_id: str) -> Job:
        """Look at a job."""

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled; one that has ended is answered as it is."""

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """The job's events, oldest first, as the provider gives them."""

    def checkpoints(self, job_id: str) -> list[dict[str, Any]]:
        """The job's checkpoints as the provider gives them."""

    def result_file(self, file_id: str) -> bytes:
        """A result file, raw."""

    def metrics(self, raw: bytes) -> list[StepMetric]:
        """Read a result file of this provider.

        Raises:
            ValueError: it holds no step metrics.
        """

    def checkpoint_metrics(self, checkpoints: Sequence[Mapping[str, Any]]) -> list[StepMetric]:
        """The step metrics that the checkpoints tell, by step."""

    def open_chat(self, in_flight: int) -> AbstractAsyncContextManager[Chat]:
        """Open a line that carries so many requests at once."""

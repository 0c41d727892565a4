"""What a provider answers, as far as we read it; the rest is ignored."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator

from tuneq_worker.ports.provider import FileState, Job, JobStatus, RemoteFile

PURCHASE_KEY = "tuneq_purchase"
"""The metadata key that says which purchase a job is."""

_STATUSES = {
    "validating_files": JobStatus.VALIDATING,
    "queued": JobStatus.QUEUED,
    "pending": JobStatus.QUEUED,
    "running": JobStatus.RUNNING,
    "pausing": JobStatus.RUNNING,
    "paused": JobStatus.PAUSED,
    "succeeded": JobStatus.SUCCEEDED,
    "failed": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
}
_FILE_STATES = {
    "processed": FileState.READY,
    "error": FileState.ERROR,
    "deleting": FileState.ERROR,
    "deleted": FileState.ERROR,
}


def _only_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _only_texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def finite(value: object) -> float | None:
    """The number, if it is one that can be reckoned with."""
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _only_object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _one_path_part(value: str) -> str:
    if value in {"", ".", ".."} or "/" in value or " " in value or not value.isprintable():
        raise ValueError("an id must be one part of an address")
    return value


# What is bought or sent is asked for by its id from then on: one that cannot be is no answer.
Id = Annotated[str, AfterValidator(_one_path_part)]
# Compatible servers answer null, an empty text or another shape where a job has no such thing.
Text = Annotated[str | None, BeforeValidator(_only_text)]
Texts = Annotated[list[str], BeforeValidator(_only_texts)]
Number = Annotated[float | None, BeforeValidator(finite)]
Fields = Annotated[dict[str, Any], BeforeValidator(_only_object)]


class PageDocument(BaseModel):
    """One page of a listing."""

    data: list[dict[str, Any]] | None
    has_more: bool | None = None


class FileDocument(BaseModel):
    """A file."""

    id: Id
    created_at: Number = None
    status: Text = None
    status_details: Text = None

    def to_file(self) -> RemoteFile:
        """In our words. OpenAI calls the status deprecated: without one, the file is ready."""
        state = FileState.READY
        if self.status is not None:
            state = _FILE_STATES.get(self.status, FileState.PENDING)
        return RemoteFile(
            id=self.id,
            state=state,
            detail=self.status_details or "",
            created_at=self.created_at or None,
        )


class UploadDocument(BaseModel):
    """A file that is being sent in parts."""

    id: Id


class PartDocument(BaseModel):
    """One of those parts."""

    id: Id


class CompletedUploadDocument(BaseModel):
    """What its parts became."""

    file: FileDocument


class JobDocument(BaseModel):
    """A fine-tuning job."""

    id: Id
    status: str
    created_at: float
    model: Text = None
    metadata: Fields = {}
    training_file: Text = None
    fine_tuned_model: Text = None
    trained_tokens: Number = None
    error: Fields = {}
    result_files: Texts = []
    estimated_finish: Number = None

    def to_job(self) -> Job:
        """In our words; a status that we do not know is unknown."""
        status = _STATUSES.get(self.status, JobStatus.UNKNOWN)
        if status is JobStatus.SUCCEEDED and self.fine_tuned_model is None:
            status = JobStatus.FINALIZING
        return Job(
            id=self.id,
            status=status,
            raw_status=self.status,
            model=self.model or "",
            created_at=self.created_at,
            purchase=_only_text(self.metadata.get(PURCHASE_KEY)),
            training_file=self.training_file,
            fine_tuned_model=self.fine_tuned_model,
            trained_tokens=None if self.trained_tokens is None else int(self.trained_tokens),
            error_code=_only_text(self.error.get("code")),
            error_message=_only_text(self.error.get("message")),
            result_files=tuple(self.result_files),
            estimated_finish=self.estimated_finish,
        )

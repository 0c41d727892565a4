"""A batch of chat requests, as it is kept and as it is shown."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

BatchStatus = Literal["in_progress", "completed", "expired", "cancelled", "failed"]

_TOLD_AT = ("completed", "expired", "cancelled", "failed")


class Problem(BaseModel):
    """Why a file is no batch."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    line: int | None = None


class Batch(BaseModel):
    """One batch; times are Unix seconds."""

    model_config = ConfigDict(frozen=True)

    id: str
    endpoint: str
    completion_window: str
    input_file: str
    input_sha256: str
    metadata: dict[str, str] | None = None
    status: BatchStatus = "in_progress"
    created_at: float
    expires_at: float
    requests: int
    ends_at: float
    """When its last request will have been answered, if that is before it expires."""
    ended_at: float | None = None
    answered: int = 0
    failed: int = 0
    output_file: str | None = None
    error_file: str | None = None
    problem: Problem | None = None

    @property
    def is_active(self) -> bool:
        """Whether it has not ended yet."""
        return self.ended_at is None

    def as_api(self) -> dict[str, Any]:
        """The batch object."""
        ended = {
            f"{status}_at": int(self.ended_at) if self.ended_at and self.status == status else None
            for status in _TOLD_AT
        }
        errors = {"object": "list", "data": [self.problem.model_dump()]} if self.problem else None
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": errors,
            "input_file_id": self.input_file,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file,
            "error_file_id": self.error_file,
            "created_at": int(self.created_at),
            "in_progress_at": int(self.created_at),
            "expires_at": int(self.expires_at),
            **ended,
            "request_counts": {
                "total": self.requests,
                "completed": self.answered,
                "failed": self.failed,
            },
            "metadata": self.metadata,
        }

"""A fine-tuning job, as it is kept and as it is shown."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

JobStatus = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
FINISHED: frozenset[JobStatus] = frozenset({"succeeded", "failed", "cancelled"})


class JobError(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    param: str | None = None


class Hyperparameters(BaseModel):
    """As asked for; `auto` until the files were looked through."""

    model_config = ConfigDict(frozen=True)

    n_epochs: int | Literal["auto"] = "auto"
    batch_size: int | Literal["auto"] = "auto"
    learning_rate_multiplier: float | Literal["auto"] = "auto"


class Job(BaseModel):
    """One job; times are Unix seconds."""

    model_config = ConfigDict(frozen=True)

    id: str
    model: str
    organization: str
    training_file: str
    training_sha256: str
    validation_file: str | None = None
    validation_sha256: str | None = None
    hyperparameters: Hyperparameters
    seed: int
    suffix: str | None = None
    metadata: dict[str, str] | None = None
    status: JobStatus = "validating_files"
    created_at: float
    started_at: float | None = None
    steps: int | None = None
    """Known once the files were looked through."""
    tokens: int | None = None
    """Tokens that will be trained: those of the training file times epochs."""
    estimated_finish: float | None = None
    finished_at: float | None = None
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    result_files: list[str] = []
    error: JobError | None = None

    @property
    def is_active(self) -> bool:
        """Whether it has not ended yet."""
        return self.status not in FINISHED

    @property
    def model_name(self) -> str:
        """The name of the model that it makes: the same after a restart."""
        return f"ft:{self.model}:sandbox:{self.suffix or ''}:{self.id[-8:]}"

    def changed(self, **fields: Any) -> "Job":
        """The job with other values in some fields."""
        return self.model_copy(update=fields)

    def as_api(self) -> dict[str, Any]:
        """The job object; `error` is an empty object unless it failed, as OpenAI has it."""
        hyperparameters = self.hyperparameters.model_dump()
        estimated = self.estimated_finish if self.is_active else None
        return {
            "object": "fine_tuning.job",
            "id": self.id,
            "model": self.model,
            "created_at": int(self.created_at),
            "finished_at": None if self.finished_at is None else int(self.finished_at),
            "estimated_finish": None if estimated is None else int(estimated),
            "fine_tuned_model": self.fine_tuned_model,
            "organization_id": self.organization,
            "result_files": self.result_files,
            "status": self.status,
            "validation_file": self.validation_file,
            "training_file": self.training_file,
            "hyperparameters": hyperparameters,
            "trained_tokens": self.trained_tokens,
            "error": self.error.model_dump() if self.error else {},
            "user_provided_suffix": self.suffix,
            "seed": self.seed,
            "integrations": [],
            "metadata": self.metadata,
            "method": {
                "type": "supervised",
                "supervised": {"hyperparameters": hyperparameters},
            },
        }

"""What a job leaves behind: events, and models with their metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import orjson

from tuneq_sandbox.provider.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a job's story."""

    created_at: float
    """Unix seconds; an event in the future is not shown yet."""
    message: str
    level: Literal["info", "warn", "error"] = "info"
    type: Literal["message", "metrics"] = "message"
    data: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: new_id("ftevent-"))

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """As the database has it."""
        return cls(
            id=row["id"],
            created_at=row["created_at"],
            message=row["message"],
            level=row["level"],
            type=row["type"],
            data=orjson.loads(row["data"]),
        )

    def as_api(self) -> dict[str, Any]:
        """The event object."""
        return {
            "object": "fine_tuning.job.event",
            "id": self.id,
            "created_at": int(self.created_at),
            "level": self.level,
            "message": self.message,
            "data": self.data,
            "type": self.type,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedModel:
    """A model that answers: a job's last one, or a checkpoint on the way."""

    name: str
    job: str
    created_at: float
    training: str
    """Key of the training that holds its weights."""
    checkpoint: int
    """Which checkpoint of that training, from 0."""
    final: bool
    step: int
    metrics: Mapping[str, float | None]
    id: str = field(default_factory=lambda: new_id("ftckpt_"))

    @classmethod
    def from_row(cls, row: Any) -> Self:
        """As the database has it."""
        return cls(
            name=row["name"],
            job=row["job"],
            created_at=row["created_at"],
            training=row["training"],
            checkpoint=row["checkpoint"],
            final=bool(row["final"]),
            step=row["step"],
            metrics=orjson.loads(row["metrics"]),
            id=row["checkpoint_id"],
        )

    def as_row(self, job_id: str) -> tuple[Any, ...]:
        """In the order of the insert in `job_store`."""
        return (
            self.name,
            job_id,
            self.created_at,
            self.training,
            self.checkpoint,
            self.final,
            self.id,
            self.step,
            orjson.dumps(self.metrics),
        )

    def as_api(self) -> dict[str, Any]:
        """The checkpoint object."""
        return {
            "object": "fine_tuning.job.checkpoint",
            "id": self.id,
            "created_at": int(self.created_at),
            "fine_tuned_model_checkpoint": self.name,
            "fine_tuning_job_id": self.job,
            "metrics": {"step": self.step, **self.metrics},
            "step_number": self.step,
        }

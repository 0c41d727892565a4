"""What `[accounts.NAME.options]` may say of a Together account."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

_NEVER, _SHORTEST, _LONGEST = 0, 30, 1440  # minutes that a deployment's timeout may have

ConfigPath = Annotated[str, Field(pattern=r"^projects/[^/]+/configs/[^/]+$")]


class TogetherOptions(BaseModel):
    """Vendor specifics; all have a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str | None = Field(default=None, min_length=1)
    """Id of the project that deployments belong to; the key's own where absent."""
    configs: dict[str, ConfigPath] = {}
    """By base model, the config of its deployments, where Together offers several."""
    inactive_timeout_min: int = 60
    """Minutes without a request after which a deployment stops by itself; 0: never."""
    evaluations: int = Field(default=1, ge=0)
    """How often a job looks at its validation file; each look is charged."""

    @field_validator("inactive_timeout_min")
    @classmethod
    def _as_offered(cls, minutes: int) -> int:
        if minutes != _NEVER and not _SHORTEST <= minutes <= _LONGEST:
            raise ValueError(f"must be {_NEVER}, or {_SHORTEST} to {_LONGEST}")
        return minutes

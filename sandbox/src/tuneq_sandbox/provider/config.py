"""What the sandbox provider can be told: speeds, limits, caps, faults and oddities."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tuneq_sandbox.provider.faults import FaultPlan
from tuneq_sandbox.provider.problem import first_problem
from tuneq_shared.dialects import Dialect
from tuneq_shared.errors import ConfigurationError

BASE_MODELS = (
    "gpt-4.1-2025-04-14",
    "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano-2025-04-14",
    "gpt-4o-mini-2024-07-18",
    "gpt-3.5-turbo",
    "sandbox-base",
)


class RateLimit(BaseModel):
    """Limits for each pair of key and model; None: no limit, and no header about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: float | None = Field(default=None, gt=0)
    tokens_per_minute: float | None = Field(default=None, gt=0)
    burst_s: float = Field(default=60.0, gt=0)
    """A full bucket holds what flows in within so many seconds."""


class ProviderConfig(BaseModel):
    """Everything but the keys, which never stand in a file of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialect: Dialect = "openai"
    """Whose routes and words it has; the engine is the same."""
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    """0: any free one."""
    base_models: tuple[str, ...] = BASE_MODELS
    shutdown_dates: dict[str, str] = {}
    """ISO date by base model, told in GET /v1/models."""
    organization: str = "org-sandbox"
    seconds_per_step: float = Field(default=0.0, ge=0)
    """Simulated training time of one step; a job takes at least its real training time."""
    file_delay_s: float = Field(default=0.0, ge=0)
    """A file is `uploaded` so long before it is `processed`."""
    deployment_delay_s: float = Field(default=0.0, ge=0)
    """A deployed model answers so long after it was asked for."""
    seconds_per_batch_request: float = Field(default=0.0, ge=0)
    """A batch answers one request after the other."""
    batch_window_s: float = Field(default=86_400.0, gt=0)
    """A batch expires so long after its creation."""
    latency_ms: float = Field(default=0.0, ge=0)
    """Added to every answer but those of chat."""
    chat_latency_ms: float = Field(default=0.0, ge=0)
    rate_limit: RateLimit = RateLimit()
    max_active_jobs: int | None = Field(default=None, gt=0)
    """For each base model."""
    when_full: Literal["refuse", "queue"] = "refuse"
    """A job over the cap: refused with a 429, or accepted and kept in `queued`."""
    max_file_bytes: int = Field(default=512 << 20, gt=0)
    max_part_bytes: int = Field(default=64 << 20, gt=0)
    trainers: int = Field(default=1, ge=1, le=16)
    """Processes that train."""
    model_cache_bytes: int = Field(default=256 << 20, gt=0)
    faults: FaultPlan = FaultPlan()


def read_config(path: Path) -> ProviderConfig:
    """Read a JSON file.

    Raises:
        ConfigurationError: it cannot be read, or something in it is wrong.
    """
    try:
        return ProviderConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}", hint="correct --config"
        ) from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {first_problem(error).message}") from error

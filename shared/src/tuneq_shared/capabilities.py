"""What an account can do, field by field: a configuration may correct each of them."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Knob = Literal[
    "n_epochs",
    "batch_size",
    "learning_rate_multiplier",
    "learning_rate",
    "warmup_ratio",
    "weight_decay",
    "max_grad_norm",
    "context_length",
    "packing",
    "lora",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
]
"""Every hyperparameter that a request may name; no provider takes all of them."""


class Capabilities(BaseModel):
    """What differs between providers. The defaults are those of the OpenAI shape."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    methods: tuple[Literal["supervised", "dpo", "reinforcement"], ...] = (
        "supervised",
        "dpo",
        "reinforcement",
    )
    """Ways of training that are offered."""
    hyperparameters: tuple[Knob, ...] = ("n_epochs", "batch_size", "learning_rate_multiplier")
    """Those that may be set; another one is refused at submission."""
    hyperparameters_in: Literal["method", "job"] = "method"
    """Whether a job is given them inside its method or beside it; some refuse both together."""
    suffix_length: int = Field(default=64, ge=0)
    """The longest suffix of a model's name, in characters; 0: none is taken."""
    metadata: bool = True
    """Jobs keep their metadata, by which a purchase is found again."""
    metadata_filter: bool = True
    """Listings may be asked for jobs with certain metadata."""
    pause: bool = True
    """Jobs can be paused and resumed."""
    webhooks: bool = True
    """The provider calls when a job ends."""
    batch: bool = True
    """Chat completions can be asked for in files, at a lower price."""
    batch_requests: int = Field(default=50_000, gt=0)
    """The most requests in one of those files; fewer where many tokens find no room at once."""
    batch_bytes: int = Field(default=200 * 10**6, gt=0)
    """The largest of those files."""
    metrics: Literal["files", "checkpoints"] = "files"
    """Where step metrics come from: result files, or the job's checkpoints alone."""
    deployment: bool = False
    """A tuned model must be deployed before it answers, and removed afterwards."""
    deployment_idle_cost: bool = False
    """A deployed model costs by the hour though nobody asks it anything."""
    file_wait: bool = True
    """A file is looked at by the provider before it can be trained on."""
    plain_file_bytes: int = Field(default=512 * 10**6, gt=0)
    """The largest file that is sent in one request; a larger one is sent in parts."""
    part_bytes: int = Field(default=64 * 2**20, gt=0)
    """The size of each of those parts but the last."""
    largest_file_bytes: int = Field(default=8 * 2**30, gt=0)
    """The largest file that is sent at all."""
    end_date: date | None = None
    """The last day on which the account takes new jobs."""

"""What POST supervisedFineTuningJobs takes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tuneq_sandbox.provider.job import Hyperparameters

USUAL_RATE = 1e-4
"""The learning rate that counts as 1 here."""


class JobRequest(BaseModel):
    """A job to create; fields that nothing is made of here are taken, unknown ones are not."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    dataset: str
    base_model: str | None = None
    warm_start_from: str | None = None
    evaluation_dataset: str = ""
    output_model: str = ""
    display_name: str = Field(default="", max_length=63)
    epochs: int | None = Field(default=None, ge=1)
    batch_size_samples: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    lora_rank: int | None = Field(default=None, ge=1)
    max_context_length: int | None = Field(default=None, ge=1)
    optimizer_weight_decay: float | None = None
    batch_size: int | None = None
    early_stop: bool | None = None
    eval_auto_carveout: bool | None = None
    gradient_accumulation_steps: int | None = None
    learning_rate_warmup_steps: int | None = None
    wandb_config: dict[str, Any] | None = None

    def asked(self) -> Hyperparameters:
        """The hyperparameters as the engine knows them."""
        rate = self.learning_rate
        return Hyperparameters(
            n_epochs=self.epochs or "auto",
            batch_size=self.batch_size_samples or "auto",
            learning_rate_multiplier="auto" if rate is None else rate / USUAL_RATE,
        )

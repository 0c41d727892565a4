"""What POST /v1/fine-tunes takes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tuneq_sandbox.provider.job_request import MAX_SEED

LEARNING_RATE = 1e-5
"""The default; the engine is told a multiple of it."""


class _Method(BaseModel):
    model_config = ConfigDict(extra="forbid")

    method: Literal["sft"] = "sft"
    train_on_inputs: bool | Literal["auto"] = "auto"


class _Type(BaseModel):
    model_config = ConfigDict(extra="forbid")

    type: Literal["Full", "Lora"] = "Lora"
    lora_r: int = 8
    lora_alpha: int = 16
    lora_dropout: float = 0.0
    lora_trainable_modules: str = "all-linear"


class JobRequest(BaseModel):
    """A job to create: what has an effect here, or is commonly sent."""

    model_config = ConfigDict(extra="forbid")

    model: str
    training_file: str
    validation_file: str | None = None
    n_epochs: Annotated[int, Field(ge=1, le=50)] = 1
    n_evals: int = 0
    n_checkpoints: int = 1
    batch_size: Annotated[int, Field(ge=1, le=256)] | Literal["max"] = "max"
    learning_rate: Annotated[float, Field(gt=0, le=1e-3)] = LEARNING_RATE
    warmup_ratio: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    max_seq_length: int | None = None
    packing: bool = True
    suffix: str | None = Field(default=None, max_length=40)
    random_seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    training_method: _Method = _Method()
    training_type: _Type | None = None

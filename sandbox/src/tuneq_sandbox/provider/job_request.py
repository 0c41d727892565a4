"""What POST /v1/fine_tuning/jobs takes."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tuneq_sandbox.provider.job import Hyperparameters

MAX_PAIRS = 16
MAX_SEED = 2**31 - 1
MetadataKey = Annotated[str, Field(max_length=64)]
MetadataValue = Annotated[str, Field(max_length=512)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HyperparametersRequest(_Strict):
    """Hyperparameters of supervised tuning."""

    n_epochs: Literal["auto"] | Annotated[int, Field(ge=1, le=50)] = "auto"
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] = "auto"
    learning_rate_multiplier: Literal["auto"] | Annotated[float, Field(gt=0, le=100)] = "auto"


class Supervised(_Strict):
    """The method's own part."""

    hyperparameters: HyperparametersRequest = HyperparametersRequest()


class Method(_Strict):
    """Only supervised tuning is learnt here."""

    type: Literal["supervised"]
    supervised: Supervised = Supervised()


class JobRequest(_Strict):
    """A job to create."""

    model: str
    training_file: str
    validation_file: str | None = None
    hyperparameters: HyperparametersRequest | None = None
    """The older place of the same numbers."""
    method: Method | None = None
    suffix: str | None = Field(default=None, min_length=1, max_length=64)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)
    metadata: dict[MetadataKey, MetadataValue] | None = Field(default=None, max_length=MAX_PAIRS)
    integrations: list[Any] | None = Field(default=None, max_length=0)

    @model_validator(mode="after")
    def _one_place_for_numbers(self) -> "JobRequest":
        if self.method is not None and self.hyperparameters is not None:
            raise ValueError("give hyperparameters inside method, or outside, not both")
        return self

    def asked(self) -> Hyperparameters:
        """The hyperparameters, wherever they stand."""
        given = self.method.supervised.hyperparameters if self.method else self.hyperparameters
        return Hyperparameters(**(given or HyperparametersRequest()).model_dump())

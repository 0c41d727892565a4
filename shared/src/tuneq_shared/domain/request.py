"""What a user submits. Field names follow the OpenAI API where it has them."""

import base64
import hashlib
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

MAX_REQUEST_BYTES = 64 * 1024
"""Of a request as JSON, unless the configuration says otherwise: it names files, it holds none."""

PRIORITIES = {"high": 0, "normal": 1, "low": 2}
"""Rank of a priority word: the lowest rank gets the next slot."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$")]
FileReference = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class _Part(BaseModel):  # noqa: PLW1641 - pydantic gives frozen models a hash of their fields
    model_config = ConfigDict(extra="forbid", frozen=True)

    # The same as pydantic's for models without private or extra fields, in a fraction of the time:
    # to leave defaults out, each part is compared with one.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__


class Hyperparameters(_Part):
    """Knobs of supervised training; what is absent is the provider's choice."""

    n_epochs: Annotated[int, Field(ge=1, le=50)] | Literal["auto"] | None = None
    batch_size: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"] | None = None
    learning_rate_multiplier: Annotated[float, Field(gt=0)] | Literal["auto"] | None = None


class Supervised(_Part):
    """Settings of supervised fine-tuning."""

    hyperparameters: Hyperparameters = Hyperparameters()


class Method(_Part):
    """The training method."""

    type: Literal["supervised"] = "supervised"
    supervised: Supervised = Supervised()


class Samples(_Part):
    """How many lines of the training file to train on: the first n of one seeded permutation."""

    n: int = Field(ge=1)
    seed: int = 0


class Baseline(_Part):
    """A model to evaluate beside the tuned one, with examples from the whole training file."""

    model: ModelName
    shots: int = Field(default=0, ge=0, le=100)


class EvaluationRequest(_Part):
    """How to measure the tuned model."""

    dataset: FileReference
    scorer: Literal["choice", "exact"] = "exact"
    max_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=0.0, ge=0, le=2)
    limit: int | None = Field(default=None, ge=1)
    baselines: tuple[Baseline, ...] = ()


class FineTuneRequest(_Part):
    """One fine-tune to buy and measure. Only `model` and `training_file` are required."""

    model: ModelName
    training_file: FileReference
    validation_file: FileReference | None = None
    name: Name | None = None
    group: Name = "default"
    account: str | None = Field(default=None, max_length=63)
    suffix: str | None = Field(default=None, min_length=1, max_length=64)
    seed: int | None = None
    method: Method = Method()
    samples: Samples | None = None
    evaluation: EvaluationRequest | None = None
    budget_usd: float | None = Field(default=None, gt=0)
    labels: dict[str, str] = {}
    priority: Literal["high", "normal", "low"] = "normal"
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=512)

    def content(self) -> dict[str, JsonValue]:
        """What makes this request this request: fields that are set, less what does not matter.

        Labels, priority, budget, the key itself and fields at their default are left out.
        """
        unsaid = {"labels", "priority", "budget_usd", "idempotency_key"}
        return self.model_dump(mode="json", exclude_defaults=True, exclude=unsaid)

    def digest(self) -> str:
        """sha256 of the content, as hex."""
        return _digest(self.content())

    def key(self) -> str:
        """The idempotency key: as given, else the content's digest."""
        return self.idempotency_key or self.digest()

    def run_id(self) -> str:
        """The run's id: base32 of the key's sha256, 20 characters, the same wherever computed."""
        return short_id(self.key())

    def identity(self) -> tuple[str, str]:
        """The run's id and the digest, which it takes time to make twice."""
        digest = self.digest()
        return short_id(self.idempotency_key or digest), digest


def short_id(text: str) -> str:
    """base32 of the text's sha256, its first 20 characters in lower case: 100 bits."""
    raw = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(raw).decode().lower()[:20]


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()

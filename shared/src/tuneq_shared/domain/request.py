"""What a user submits. Field names follow the OpenAI API where it has them."""

import base64
import hashlib
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tuneq_shared.domain.scoring import (
    DEFAULT_SCORER,
    ScorerName,
    options_by_scorer,
    scorer_options,
)

MAX_REQUEST_BYTES = 64 * 1024
"""Of a request as JSON, unless the configuration says otherwise: it names files, it holds none."""

PRIORITIES = {"high": 0, "normal": 1, "low": 2}
"""Rank of a priority word: the lowest rank gets the next slot."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$")]
FileReference = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
Mode = Literal["direct", "batch"]
"""How an evaluation asks: sample by sample, or in files that are answered within a day, cheaper."""
ModelName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_UNSAID: dict[str, Any] = {
    **dict.fromkeys(("labels", "priority", "budget_usd", "idempotency_key"), True),
    "evaluation": {"mode": True},
}


class _Part(BaseModel):  # noqa: PLW1641 - pydantic gives frozen models a hash of their fields
    # JSON has no infinity: it would be kept as nothing, and nothing is the provider's choice.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # The same as pydantic's for models without private or extra fields, in a fraction of the time:
    # to leave defaults out, each part is compared with one.
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__


class Hyperparameters(_Part):
    """Knobs of training; what is absent is the provider's choice, and none offers all of them."""

    n_epochs: Annotated[int, Field(ge=1, le=50)] | Literal["auto"] | None = None
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] | None = None
    learning_rate_multiplier: Annotated[float, Field(gt=0)] | Literal["auto"] | None = None
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    max_grad_norm: Annotated[float, Field(ge=0)] | None = None
    context_length: Annotated[int, Field(ge=1)] | None = None
    packing: bool | None = None
    lora: bool | None = None
    lora_r: Annotated[int, Field(ge=1)] | None = None
    lora_alpha: Annotated[int, Field(ge=1)] | None = None
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] | None = None


class Supervised(_Part):
    """Settings of supervised fine-tuning."""

    hyperparameters: Hyperparameters = Hyperparameters()


class PreferenceHyperparameters(_Part):
    """Knobs of training on preference pairs; what is absent is the provider's choice."""

    beta: Annotated[float, Field(gt=0, le=2)] | Literal["auto"] | None = None
    """How close the tuned model stays to its base: the higher, the closer."""
    n_epochs: Annotated[int, Field(ge=1, le=50)] | Literal["auto"] | None = None
    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] | None = None
    learning_rate_multiplier: Annotated[float, Field(gt=0)] | Literal["auto"] | None = None


class Dpo(_Part):
    """Settings of direct preference optimisation."""

    hyperparameters: PreferenceHyperparameters = PreferenceHyperparameters()


MethodType = Literal["supervised", "dpo"]
"""Trained on answers to give, or on pairs of which one answer is preferred."""


class Method(_Part):
    """The training method, with settings of that one alone."""

    type: MethodType = "supervised"
    supervised: Supervised = Supervised()
    dpo: Dpo = Dpo()

    @property
    def hyperparameters(self) -> Hyperparameters | PreferenceHyperparameters:
        """Those of the method that is chosen."""
        return (self.dpo if self.type == "dpo" else self.supervised).hyperparameters

    @model_validator(mode="after")
    def _only_its_own_settings(self) -> Self:
        if self.type == "supervised" and self.dpo != Dpo():
            raise ValueError('settings of dpo need "type": "dpo"')
        if self.type == "dpo" and self.supervised != Supervised():
            raise ValueError('the type is dpo: its settings stand under "dpo"')
        return self


class Samples(_Part):
    """How many lines of the training file to train on: the first n of one seeded permutation."""

    n: int = Field(ge=1)
    seed: int = 0


class Baseline(_Part):
    """A model to evaluate beside the tuned one, with examples from the whole training file."""

    model: ModelName
    shots: int = Field(default=0, ge=0, le=100)
    account: str | None = Field(default=None, max_length=63)
    """Where to ask it: any that is configured; none is the run's own."""


class EvaluationRequest(_Part):
    """How to measure the tuned model."""

    model_config = ConfigDict(json_schema_extra={"allOf": options_by_scorer()})

    dataset: FileReference
    scorer: ScorerName = DEFAULT_SCORER
    """How answers are judged: by one that is always there, or that workers have registered."""
    scorer_options: dict[str, JsonValue] = Field(default={}, validate_default=True)
    max_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=0.0, ge=0, le=2)
    limit: int | None = Field(default=None, ge=1)
    mode: Mode = "direct"
    system: Annotated[str, Field(max_length=16384)] | None = None
    """In place of the lines' own system and developer messages; empty leaves them out."""
    prompt: Annotated[str, Field(max_length=16384, pattern=r"\{input\}")] | None = None
    """The last user message of each line as it is asked, with its own text for `{input}`."""
    baselines: tuple[Baseline, ...] = ()

    @field_validator("scorer_options")
    @classmethod
    def _of_the_scorer(cls, given: dict[str, Any], known: ValidationInfo) -> dict[str, Any]:
        scorer = known.data.get("scorer")
        return given if scorer is None else scorer_options(scorer, given)


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

    @model_validator(mode="after")
    def _pairs_are_no_examples(self) -> Self:
        asked = self.evaluation.baselines if self.evaluation else ()
        if self.method.type == "dpo" and any(baseline.shots for baseline in asked):
            raise ValueError(
                "baselines take their shots from the training file, and preference pairs are none"
            )
        return self

    def content(self) -> dict[str, JsonValue]:
        """What makes this request this request: fields that are set, less what does not matter.

        Labels, priority, budget, how the evaluation is asked, the key itself and fields at their
        default are left out.
        """
        return self.model_dump(mode="json", exclude_defaults=True, exclude=_UNSAID)

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
    raw = hashlib.sha256(text.encode()).digest()[:15]  # base32 goes by five bytes
    return base64.b32encode(raw).decode().lower()[:20]


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()

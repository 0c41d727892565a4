"""A training's step metrics, as `--json` prints them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Told:
    """The last value that was told of something."""

    step: int
    value: float
    smoothed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """Smoothed values around a step; none where nothing was told until then.

    Token accuracy is the share of tokens of the training data, one by one, that the model would
    have chosen. It says little of how many answers are right.
    """

    step: int
    train_loss: float | None
    valid_loss: float | None
    train_token_accuracy: float | None
    valid_token_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should look at, and the step where it is or begins."""

    code: str  # missing, diverging, overfit or flat
    step: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMetrics:
    """How a training went. The field names are those of the JSON document."""

    steps: int  # that tell anything
    first_step: int
    last_step: int
    last: dict[str, Told]  # by what is told
    curve: tuple[CurvePoint, ...]
    warnings: tuple[Trouble, ...]

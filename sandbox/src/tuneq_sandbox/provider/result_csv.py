"""The result file: step metrics as CSV."""

from collections.abc import Sequence
from typing import Literal

from tuneq_sandbox.learner.training import Step

_COLUMNS = {
    "openai": "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy",
    "azure": "step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy",
}
DIGITS = 5


def result_csv(steps: Sequence[Step], columns: Literal["openai", "azure"]) -> bytes:
    """One line a step; validation cells are blank where nothing was validated."""
    lines = [_COLUMNS[columns]]
    for step in steps:
        cells = (step.train_loss, step.train_accuracy, step.valid_loss, step.valid_accuracy)
        lines.append(",".join([str(step.number), *map(_cell, cells)]))
    return ("\n".join(lines) + "\n").encode()


def _cell(value: float | None) -> str:
    return "" if value is None else str(round(value, DIGITS))

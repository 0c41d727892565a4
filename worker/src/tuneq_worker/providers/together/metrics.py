"""Step metrics, told as a list of flat records."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from tuneq_shared.settings import describe
from tuneq_worker.ports.provider import StepMetric
from tuneq_worker.providers.openai.documents import finite

COLUMNS = {
    "train_loss": ("train/loss",),
    "train_accuracy": ("train/mean_token_accuracy", "train/accuracy"),
    "valid_loss": ("eval/loss",),
    "valid_accuracy": ("eval/mean_token_accuracy", "eval/accuracy"),
}
"""Our field: what it may be called. The losses are in Together's API reference."""
_STEPS = ("train/global_step", "eval/global_step")


class _Metrics(BaseModel):
    metrics: list[dict[str, Any]] | None


def read_metrics(raw: bytes) -> list[StepMetric]:
    """Read a job's metrics by step; of a step that is told more than once, what came last.

    Raises:
        ValueError: they cannot be read, or there are none.
    """
    try:
        records = _Metrics.model_validate_json(raw).metrics or []
    except ValidationError as error:
        raise ValueError(f"no metrics: {describe(error)}") from None
    rows: dict[int, dict[str, float]] = {}
    for record in records:
        step = next((s for name in _STEPS if (s := finite(record.get(name))) is not None), None)
        if step is not None:
            rows.setdefault(int(step), {}).update(_values(record))
    if not rows:
        raise ValueError("no metrics: no record tells its step")
    return [StepMetric(step, **rows[step]) for step in sorted(rows)]


def _values(record: Mapping[str, Any]) -> dict[str, float]:
    values = {}
    for field, names in COLUMNS.items():
        told = (finite(record.get(name)) for name in names)
        value = next((each for each in told if each is not None), None)
        if value is not None:
            values[field] = value
    return values

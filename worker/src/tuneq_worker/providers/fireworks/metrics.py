"""Step metrics of a job's metrics file: JSON lines, each with its step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from tuneq_worker.ports.provider import StepMetric
from tuneq_worker.providers.openai.documents import finite

NAMES = {
    "train_loss": ("train/loss", "train_loss", "loss"),
    "train_accuracy": ("train/mean_token_accuracy", "train/accuracy", "mean_token_accuracy"),
    "valid_loss": ("eval/loss", "validation/loss", "valid/loss", "eval_loss"),
    "valid_accuracy": ("eval/mean_token_accuracy", "eval/accuracy", "validation/accuracy"),
}
"""Our field: the names that have been seen for it, beside the step or in its `data`."""


def read_metrics(raw: bytes) -> list[StepMetric]:
    """Read a metrics file: lines of one step are put together, lines without a step left out.

    Raises:
        ValueError: a line is no JSON object, or there is no step at all; says the line.
    """
    rows: dict[int, StepMetric] = {}
    for number, line in enumerate(raw.splitlines(), 1):
        if not line.strip():
            continue
        entry = _object(line, number)
        step = finite(entry.get("step"))
        if step is None:
            continue
        data = entry.get("data")
        told = _told(data if isinstance(data, dict) else entry)
        rows[int(step)] = replace(rows.get(int(step), StepMetric(int(step))), **told)
    if not rows:
        raise ValueError("the metrics file holds no step metrics: no line names a step")
    return [rows[step] for step in sorted(rows)]


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    values = {
        field: next((finite(entry[name]) for name in names if name in entry), None)
        for field, names in NAMES.items()
    }
    return {field: value for field, value in values.items() if value is not None}


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the metrics file has no JSON in line {number}") from error
    if not isinstance(entry, dict):
        raise ValueError(f"the metrics file has no object in line {number}")  # noqa: TRY004 - it is the file's text that is wrong
    return entry

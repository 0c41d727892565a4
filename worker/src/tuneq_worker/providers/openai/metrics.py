"""Step metrics of a result file: CSV, plain or base64, under several column names."""

import base64
import binascii
import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuneq_worker.ports.provider import StepMetric
from tuneq_worker.providers.openai.documents import finite

COLUMNS = {
    "train_loss": ("train_loss",),
    "train_accuracy": ("train_accuracy", "train_mean_token_accuracy"),
    "valid_loss": ("valid_loss",),
    "valid_accuracy": ("valid_mean_token_accuracy", "validation_mean_token_accuracy"),
    "full_valid_loss": ("full_valid_loss",),
    "full_valid_accuracy": ("full_valid_mean_token_accuracy",),
}
"""Our field: the names that OpenAI and Azure give its column."""


def read_metrics(raw: bytes) -> list[StepMetric]:
    """Read a result file; a blank cell, or one that holds no finite number, is none.

    Raises:
        ValueError: there is no step column, no row, or a cell that is no number; says the line.
    """
    reader = csv.DictReader(io.StringIO(_table(raw)), skipinitialspace=True)
    try:
        rows = [_row(cells, reader.line_num) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"the result file is not CSV: {error}") from error
    if not rows:
        raise ValueError("the result file holds no step metrics: it has no rows")
    return rows


def read_checkpoints(checkpoints: Sequence[Mapping[str, Any]]) -> list[StepMetric]:
    """Read the metrics of checkpoints, by step; what is no finite number is none."""
    rows = []
    for checkpoint in checkpoints:
        step, told = checkpoint.get("step_number"), checkpoint.get("metrics")
        if isinstance(step, int) and isinstance(told, Mapping):
            values = {
                field: next((finite(told[name]) for name in names if name in told), None)
                for field, names in COLUMNS.items()
            }
            rows.append(StepMetric(step, **values))
    return sorted(rows, key=lambda row: row.step)


def _table(raw: bytes) -> str:
    """The text whose first line names a step column: the bytes, or what they are base64 of."""
    for candidate in (raw, _decoded(raw)):
        try:
            text = candidate.decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
        header = text.partition("\n")[0]
        if "step" in header.strip().split(","):
            return text
    raise ValueError("the result file holds no step metrics: there is no column 'step' in it")


def _decoded(raw: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(raw.split()), validate=True)
    except binascii.Error:
        return b""


def _row(cells: Mapping[str, str | None], line: int) -> StepMetric:
    step = _number(cells.get("step"), line)
    if step is None:
        raise ValueError(f"the result file has no step in line {line}")
    values = {
        field: next((_number(cells[name], line) for name in names if name in cells), None)
        for field, names in COLUMNS.items()
    }
    return StepMetric(int(step), **values)


def _number(cell: str | None, line: int) -> float | None:
    if cell is None or not cell.strip():
        return None
    try:
        value = float(cell)
    except ValueError:
        message = f"the result file has {cell!r} for a number in line {line}"
        raise ValueError(message) from None
    return value if math.isfinite(value) else None

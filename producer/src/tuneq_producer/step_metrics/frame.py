"""Step metrics as a table: a row a step, a column for each thing that is told."""

from collections.abc import Iterable, Mapping

import pandas as pd

COLUMNS = {
    "train_loss": "train_loss",
    "train_accuracy": "train_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_accuracy": "valid_token_accuracy",
    "full_valid_loss": "full_valid_loss",
    "full_valid_accuracy": "full_valid_token_accuracy",
}
"""A field of the artifacts: its column. Their accuracies are of tokens."""

_PARTS = 10  # a window is a tenth of what is told
_WIDEST = 100


def frame_of(rows: Iterable[Mapping[str, float | None]]) -> pd.DataFrame:
    """The table, by step. Where a step is told more than once, each column keeps its last value.

    Args:
        rows: `step` and the fields of `COLUMNS`; one that is none or absent was not told.
    """
    table = pd.DataFrame(list(rows), columns=["step", *COLUMNS]).rename(columns=COLUMNS)
    table = table.astype(dict.fromkeys(COLUMNS.values(), "float64"))
    return table.groupby("step").last().sort_index()


def window(values: int) -> int:
    """Over how many values in a row the mean is taken."""
    return min(max(1, values // _PARTS), _WIDEST)


def smoothed(series: "pd.Series[float]") -> "pd.Series[float]":
    """The mean of each value that was told and those before it, as many as a window has."""
    told = series.dropna()
    return told.rolling(window(len(told)), min_periods=1).mean()

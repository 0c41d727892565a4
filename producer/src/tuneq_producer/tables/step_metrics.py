"""Losses and token accuracies by step of training, as the providers told them."""

from collections.abc import Iterable

from tuneq_producer.step_metrics.reading import StepRow, read_step_rows
from tuneq_producer.tables.table import Column, Table, table_of
from tuneq_producer.views.run_view import RunView
from tuneq_shared.data_root import DataRoot

_Step = tuple[RunView, StepRow]


def step_metrics_table(data: DataRoot, runs: Iterable[RunView]) -> Table:
    """A row for each step that was told, in the order in which it was."""
    steps = ((run, row) for run in runs for row in read_step_rows(data, run.artifacts))
    return table_of("step_metrics", _COLUMNS, steps)


_COLUMNS: tuple[Column[_Step], ...] = (
    Column("run", str, lambda each: each[0].run),
    Column("name", str, lambda each: each[0].name),
    Column("step", int, lambda each: each[1].step),
    Column("train_loss", float, lambda each: each[1].train_loss),
    Column("train_token_accuracy", float, lambda each: each[1].train_accuracy),
    Column("valid_loss", float, lambda each: each[1].valid_loss),
    Column("valid_token_accuracy", float, lambda each: each[1].valid_accuracy),
    Column("full_valid_loss", float, lambda each: each[1].full_valid_loss),
    Column("full_valid_token_accuracy", float, lambda each: each[1].full_valid_accuracy),
)

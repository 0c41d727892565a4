"""Evaluations as the rows of a table."""

from collections.abc import Sequence

from rich.table import Table

from tuneq_producer.views.console import plain_table
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.words import of_all, percent, percent_interval


def evaluation_table(views: Sequence[EvaluationView]) -> Table:
    """One row an evaluation, with its denominator and all outcomes."""
    table = plain_table("Evaluations")
    table.add_column("model", overflow="fold", ratio=1)
    table.add_column("shots", justify="right", no_wrap=True)
    table.add_column("acc. %", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    table.add_column("correct/all", justify="right", no_wrap=True)
    table.add_column("besides", overflow="fold")
    for view in views:
        role = f"{view.role} " if view.role else ""
        table.add_row(
            f"{role}{view.model}",
            str(view.shots),
            percent(view.accuracy),
            percent_interval(view.interval),
            of_all(view),
            _besides(view),
        )
    return table


def _besides(view: EvaluationView) -> str:
    parts = [] if view.accuracy is not None else [view.stage]
    if view.samples:
        named = ("wrong", "unparsed", "refused", "errored")
        parts += [f"{getattr(view, name)} {name}" for name in named if getattr(view, name)]
        parts.append(f"{view.strict} exact")
    if view.reused:
        parts.append("reused")
    return ", ".join(parts)

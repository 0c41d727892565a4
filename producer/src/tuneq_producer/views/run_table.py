"""Runs as the rows of a table."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from tuneq_producer.views.console import plain_table
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import duration, number, percent, why_not_finished
from tuneq_shared.domain.lifecycle import RunStage

_WIDE, _WIDEST = 110, 140
"""Columns from which there is room for models, and for whole ids."""

_SHORT_ID = 10
"""Characters of an id that are shown where there is no room; a unique prefix is enough."""

STYLES: Mapping[str, str] = {
    RunStage.SUCCEEDED: "green",
    RunStage.FAILED: "red",
    RunStage.CANCELLED: "dim",
    RunStage.HELD: "yellow",
}


def run_table(
    views: Sequence[RunView],
    now: float,
    width: int,
    *,
    with_group: bool,
    done: Mapping[str, tuple[int, int]] | None = None,
) -> Table:
    """One row a run.

    Args:
        views: the runs.
        now: Redis time, seconds.
        width: columns of the terminal.
        with_group: name runs GROUP/NAME.
        done: shards done and shards in all of running evaluations, by evaluation.
    """
    wide, id_length = width >= _WIDE, None if width >= _WIDEST else _SHORT_ID
    table = plain_table()
    table.expand = True
    table.add_column("run", no_wrap=True)
    table.add_column("name", overflow="fold", max_width=None if wide else 24)
    table.add_column("stage", no_wrap=True)
    if wide:
        table.add_column("model", no_wrap=True, overflow="ellipsis", max_width=28)
    table.add_column("samples" if wide else "n", justify="right", no_wrap=True)
    table.add_column("age", justify="right", no_wrap=True)
    table.add_column("result", no_wrap=True, overflow="ellipsis", ratio=1, min_width=8)
    for view in views:
        table.add_row(
            view.run[:id_length],
            view.full_name if with_group else view.name,
            view.stage,
            *([view.model] if wide else []),
            number(view.samples),
            _age(view, now),
            _result(view, done or {}),
            style=STYLES.get(view.stage, ""),
        )
    return table


def _age(view: RunView, now: float) -> str:
    end = view.finished_at.timestamp() if view.finished_at else now
    return duration(end - view.created_at.timestamp())


def _result(view: RunView, done: Mapping[str, tuple[int, int]]) -> str:
    """The accuracy with its denominator, or what the run waits for, or why it has none."""
    if view.tuned and view.accuracy is not None and not view.error:
        return f"{percent(view.accuracy)} % of {view.tuned.samples}"
    running = [done[e.evaluation] for e in view.evaluations if e.evaluation in done]
    if not running:
        return why_not_finished(view)
    parts, every = (sum(column) for column in zip(*running, strict=True))
    return f"{parts}/{every} shards evaluated"

"""Step metrics on the terminal."""

from rich.console import Console
from rich.table import Table

from tuneq_producer.step_metrics.summary import CurvePoint, StepMetrics
from tuneq_producer.views.console import plain_table
from tuneq_producer.views.words import NOTHING, percent

_ROWS = 6


def print_step_metrics(console: Console, metrics: StepMetrics) -> None:
    """Print a few steps, smoothed, and what went wrong."""
    console.print()
    console.print(f"Training, {metrics.steps} steps, smoothed", style="bold")
    console.print(_table(_some(metrics.curve)))
    for trouble in metrics.warnings:
        console.print(f"warning: {trouble.message}", style="yellow", soft_wrap=True)


def _table(points: list[CurvePoint]) -> Table:
    """Columns for what is told."""
    cells = {
        "loss": [_loss(point.train_loss) for point in points],
        "validation loss": [_loss(point.valid_loss) for point in points],
        "token acc. %": [percent(point.train_token_accuracy) for point in points],
        "validation token acc. %": [percent(point.valid_token_accuracy) for point in points],
    }
    told = {heading: column for heading, column in cells.items() if {*column} != {NOTHING}}
    table = plain_table()
    for heading in ("step", *told):
        table.add_column(heading, justify="right", no_wrap=True)
    for point, *values in zip(points, *told.values(), strict=True):
        table.add_row(str(point.step), *values)
    return table


def _some(points: tuple[CurvePoint, ...]) -> list[CurvePoint]:
    """The first, the last, and some between them."""
    last = len(points) - 1
    chosen = {round(last * n / (_ROWS - 1)) for n in range(_ROWS)}
    return [points[place] for place in sorted(chosen)]


def _loss(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"

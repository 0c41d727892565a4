"""Evaluations as the rows of a table."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from tuneq_producer.views.console import plain_table
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.words import of_all, percent, percent_interval


def evaluation_table(views: Sequence[EvaluationView]) -> Table:
    """Each evaluation with its denominator, and all outcomes below its model's name."""
    table = plain_table()
    table.add_column("evaluation", overflow="fold")
    for heading in ("shots", "acc. %", "95 % interval", "correct/all"):
        table.add_column(heading, justify="right", no_wrap=True)
    for view in views:
        name = f"{view.role} {view.model}" if view.role else view.model
        name += f" at {view.elsewhere}" if view.elsewhere else ""
        table.add_row(
            Text.assemble(name, "\n", (f"  {_outcomes(view)}", "dim")),
            str(view.shots),
            percent(view.accuracy),
            percent_interval(view.interval),
            of_all(view),
        )
    return table


def _outcomes(view: EvaluationView) -> str:
    parts = [view.stage]
    if view.samples:
        named = ("wrong", "unparsed", "refused", "errored")
        parts += [f"{getattr(view, name)} {name}" for name in named if getattr(view, name)]
        parts.append(f"{view.strict} to the letter")
    if view.cached:
        parts.append(f"{view.cached} from the cache")
    if view.mode == "batch":
        parts.append("in batches")
    if view.cost_usd is not None:
        tokens = f"{view.prompt_tokens} + {view.completion_tokens} tokens"
        parts.append(f"{view.cost_usd:.4f} USD for {tokens}")
    if view.reused:
        parts.append("reused")
    return ", ".join(parts)

"""Evaluations by label, by subject and by field on the terminal."""

from collections.abc import Sequence

from rich.console import Console

from tuneq_producer.views.evaluation_view import EvaluationView


def print_breakdown(console: Console, views: Sequence[EvaluationView]) -> None:
    """Print the tables; nothing where the data of none of them can be parted."""
    if all(view.breakdown is None for view in views):
        return
    # Imported here: what draws reports takes a while to load, and most runs need none of it.
    from tuneq_producer.report.breakdown_table import breakdown_tables  # noqa: PLC0415 - see above
    from tuneq_producer.report.terminal import print_table  # noqa: PLC0415 - see above

    console.print()
    for cells in breakdown_tables(views):
        print_table(console, cells)

"""A report on the terminal."""

from collections.abc import Sequence

from rich.console import Console

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.breakdown_table import breakdown_tables
from tuneq_producer.report.cells import CellTable
from tuneq_producer.report.curve_table import curve_notes, curve_table
from tuneq_producer.report.tables import (
    COMPARED_BY,
    accuracy_table,
    comparison_tables,
    missing_table,
    notes,
    outcome_table,
)
from tuneq_producer.views.console import plain_table

_WIDE = 110
"""Columns from which the tables have room for the models' names."""


def print_report(console: Console, report: Report) -> None:
    """Print every table that has rows, and what there is to say below it."""
    wide = console.width >= _WIDE
    print_table(console, accuracy_table(report, with_model=wide))
    print_table(console, outcome_table(report), ["unparsed and refused count as wrong"])
    for cells in comparison_tables(report):
        print_table(console, cells, [COMPARED_BY])
    for cells in breakdown_tables(report.breakdowns):
        print_table(console, cells)
    for curve in report.curves:
        print_table(console, curve_table(curve), list(curve_notes(curve)))
    print_table(console, missing_table(report))
    for note in notes(report):
        console.print(note)


def print_table(console: Console, cells: CellTable, below: Sequence[str] = ()) -> None:
    """Print a table with its title, and what there is to say below; nothing without rows."""
    if not cells.rows:
        return
    console.print(cells.title, style="bold")
    table = plain_table()
    for column in cells.columns:
        table.add_column(
            column.heading,
            justify="right" if column.figures else "left",
            no_wrap=column.figures,
            overflow="fold",
        )
    for row in cells.rows:
        table.add_row(*row)
    console.print(table)
    for note in below:
        console.print(note, style="dim")
    console.print()

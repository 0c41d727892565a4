"""A report as Markdown."""

from collections.abc import Iterator, Sequence

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


def render_markdown(report: Report) -> str:
    """The same tables as on the terminal, with the models' names."""
    title = report.group or (report.runs[0].full_name if report.runs else "")
    lines = [f"# {escaped(title)}", ""]
    lines += section(accuracy_table(report, with_model=True))
    lines += section(outcome_table(report), ["unparsed and refused count as wrong"])
    for cells in comparison_tables(report):
        lines += section(cells, [COMPARED_BY])
    for cells in breakdown_tables(report.breakdowns):
        lines += section(cells)
    for curve in report.curves:
        lines += section(curve_table(curve), list(curve_notes(curve)))
    lines += section(missing_table(report))
    lines += [f"- {escaped(note)}" for note in notes(report)]
    return "\n".join(lines) + "\n"


def section(cells: CellTable, below: Sequence[str] = ()) -> Iterator[str]:
    """The lines of a table with its title, and what there is to say below; none without rows."""
    if not cells.rows:
        return
    yield f"## {escaped(cells.title)}"
    yield ""
    yield _line([column.heading for column in cells.columns])
    yield _line(["---:" if column.figures else "---" for column in cells.columns])
    yield from map(_line, cells.rows)
    yield ""
    for note in below:
        yield f"- {escaped(note)}"
    if below:
        yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"


_ESCAPES = str.maketrans({"\\": r"\\", "|": r"\|", "[": r"\[", "<": "&lt;"})


def escaped(text: str) -> str:
    """Text as a cell can hold it, be it a label that looks like a picture from elsewhere."""
    return " ".join(text.split()).translate(_ESCAPES)

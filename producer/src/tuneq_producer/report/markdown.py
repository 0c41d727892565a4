"""A report as Markdown."""

from collections.abc import Iterator, Sequence

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.tables import (
    CellTable,
    accuracy_table,
    comparison_tables,
    curve_notes,
    curve_table,
    missing_table,
    notes,
    outcome_table,
)


def render_markdown(report: Report) -> str:
    """The same tables as on the terminal, with the models' names."""
    title = report.group or (report.runs[0].full_name if report.runs else "")
    lines = [f"# {_escaped(title)}", ""]
    lines += _section(accuracy_table(report, with_model=True))
    lines += _section(outcome_table(report), ["unparsed and refused count as wrong"])
    for cells in comparison_tables(report):
        lines += _section(cells)
    for curve in report.curves:
        lines += _section(curve_table(curve), list(curve_notes(curve)))
    lines += _section(missing_table(report))
    lines += [f"- {_escaped(note)}" for note in notes(report)]
    return "\n".join(lines) + "\n"


def _section(cells: CellTable, below: Sequence[str] = ()) -> Iterator[str]:
    if not cells.rows:
        return
    yield f"## {_escaped(cells.title)}"
    yield ""
    yield _line([column.heading for column in cells.columns])
    yield _line(["---:" if column.figures else "---" for column in cells.columns])
    yield from map(_line, cells.rows)
    yield ""
    for note in below:
        yield f"- {_escaped(note)}"
    if below:
        yield ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")

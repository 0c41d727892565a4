"""A report's tables, and what there is to say below them."""

from collections.abc import Callable, Iterator

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.cells import CellTable, cell_table
from tuneq_producer.report.costs import cost_notes
from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.report.rows import Row, rows_of
from tuneq_producer.views.words import (
    NOTHING,
    number,
    of_all,
    p_value,
    percent,
    percent_interval,
    points,
    points_interval,
)

COMPARED_BY = "95 % interval by Tango's score; exact p and mid-p by McNemar's test"
"""What stands below every paired test."""

_COUNTS = ("correct", "wrong", "unparsed", "refused", "errored", "strict", "samples")


def accuracy_table(report: Report, *, with_model: bool) -> CellTable:
    """Who was measured, and how well they did."""
    cells: dict[str, Callable[[Row], str]] = {
        "name": lambda row: row.name,
        "role": lambda row: row.role,
        "model": lambda row: row.model,
        "shots": lambda row: str(row.shots),
        "trained": lambda row: number(row.trained_on),
        "acc. %": lambda row: percent(row.accuracy),
        "95 % interval": lambda row: percent_interval(row.interval),
        "correct/all": _denominator,
    }
    if not with_model:
        del cells["model"]
    rows = tuple(tuple(cell(row) for cell in cells.values()) for row in rows_of(report))
    return cell_table("Tuned against baseline", list(cells), rows)


def outcome_table(report: Report) -> CellTable:
    """What became of the samples. Unparsed and refused count as wrong; errored has no answer."""
    rows = tuple(
        (_label(row), *(str(getattr(row.evaluation, name)) for name in _COUNTS))
        for row in rows_of(report)
        if row.evaluation is not None and row.evaluation.samples
    )
    return cell_table("Outcomes of the samples", ["name", *_COUNTS], rows)


def comparison_tables(report: Report) -> Iterator[CellTable]:
    """Tuned less baseline on the same samples, a table for each baseline."""
    headings = ["run", "points", "95 % interval", "only base", "only tuned", "p exact", "mid-p"]
    for view in report.baselines:
        rows = tuple(
            (
                pair.name,
                points(pair.difference),
                points_interval(pair.difference_interval),
                str(pair.b),
                str(pair.c),
                p_value(pair.p_value),
                p_value(pair.mid_p_value),
            )
            for pair in report.comparison
            if pair.baseline_evaluation == view.evaluation
        )
        yield cell_table(f"Against {baseline_name(view)}, sample by sample", headings, rows)


def missing_table(report: Report) -> CellTable:
    """Runs without a result, and why."""
    rows = tuple((m.name, m.run, m.stage, m.reason) for m in report.missing)
    title = f"Without a result: {len(rows)} of {len(report.runs)} runs"
    return cell_table(title, ["name", "run", "stage", "reason"], rows)


def notes(report: Report) -> Iterator[str]:
    """What could not be compared, and what it all cost."""
    for pair in report.uncompared:
        yield f"{pair.name} was not compared with {pair.baseline}: {pair.reason}"
    yield from cost_notes(report.cost_usd, len(report.runs))


def _denominator(row: Row) -> str:
    """The count it rests on; the stage that it is in where there is none yet."""
    return row.stage if of_all(row.evaluation) == NOTHING else of_all(row.evaluation)


def _label(row: Row) -> str:
    """One that tells a baseline's numbers of shots apart."""
    return baseline_name(row.evaluation) if row.evaluation and not row.run else row.name

"""The first table as CSV: accuracies are fractions, empty is unknown."""

import csv
import io

from tuneq_producer.report.assemble import Report
from tuneq_producer.report.rows import Row, rows_of

HEADER = (
    "name", "run", "role", "model", "shots", "trained_on", "stage",
    "accuracy", "interval_low", "interval_high",
    "samples", "correct", "wrong", "unparsed", "refused", "errored", "strict",
)  # fmt: skip


def render_csv(report: Report) -> str:
    """A header, and a row for each baseline and each run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(_cells, rows_of(report)))
    return text.getvalue()


def _cells(row: Row) -> list[object]:
    lead = [row.name, row.run, row.role, row.model, row.shots, row.trained_on, row.stage]
    view = row.evaluation
    if view is None:
        return [*lead, *[None] * (len(HEADER) - len(lead))]
    low, high = view.interval or (None, None)
    counts = [view.correct, view.wrong, view.unparsed, view.refused, view.errored, view.strict]
    return [*lead, view.accuracy, low, high, view.samples, *counts]

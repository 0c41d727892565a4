"""Evaluations side by side, by label, by subject and by field."""

from collections.abc import Iterator, Sequence

from tuneq_producer.report.cells import CellTable, cell_table
from tuneq_producer.report.pairing import baseline_name
from tuneq_producer.views.breakdown import Breakdown, Part
from tuneq_producer.views.evaluation_view import EvaluationView
from tuneq_producer.views.words import NOTHING, percent

_ROWS = 30  # of a table: those of the most samples, of like ones those least often right
_COLUMNS = 4  # evaluations beside each other
_CONFUSED = 10


def breakdown_tables(views: Sequence[EvaluationView]) -> Iterator[CellTable]:
    """A table for each way in which the data can be parted; nothing where it cannot."""
    broken = [(view, view.breakdown) for view in views if view.breakdown is not None][:_COLUMNS]
    if not broken:
        return
    heads = [view.role if view.role == "tuned" else baseline_name(view) for view, _ in broken]
    every = [breakdown for _, breakdown in broken]
    whose = f"; tuned is {broken[0][0].model}" if broken[0][0].role == "tuned" else ""
    for what, of in (
        ("label", [each.labels for each in every]),
        ("subject", [each.subjects for each in every]),
        ("field", [each.fields for each in every]),
    ):
        yield _table(f"Accuracy by {what}, %{whose}", heads, of)
    yield _confused(heads[0], every[0])


def _table(title: str, heads: Sequence[str], parts: Sequence[Sequence[Part]]) -> CellTable:
    known = [{part.name: part for part in each} for each in parts]
    worst_first = sorted(parts[0], key=lambda part: (-part.samples, part.accuracy))
    names = [part.name for part in worst_first]
    rows = tuple(
        (name, str(known[0][name].samples), *(_cell(each.get(name)) for each in known))
        for name in names[:_ROWS]
    )
    if len(names) > _ROWS:
        title += f" (the {_ROWS} of the most samples, worst first; --json tells more)"
    return cell_table(title, ["name", "samples", *heads], rows)


def _confused(head: str, breakdown: Breakdown) -> CellTable:
    """What was read in place of the label most often, where answers are labels."""
    labels = {part.name for part in breakdown.labels}
    wrong = [
        each for each in breakdown.confusion if each.parsed in labels and each.parsed != each.label
    ]
    rows = tuple((each.label, each.parsed or "", str(each.samples)) for each in wrong[:_CONFUSED])
    return cell_table(f"Most often confused by {head}", ["name", "answered", "samples"], rows)


def _cell(part: Part | None) -> str:
    return NOTHING if part is None else percent(part.accuracy)

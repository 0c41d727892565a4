"""A comparison's tables, and what there is to say below them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tuneq_producer.comparison.compared import Compared, Pair
from tuneq_producer.report.cells import CellTable, cell_table
from tuneq_producer.report.tables import COMPARED_BY
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.words import NOTHING, p_value, percent, points, points_interval

_NAMED = 10  # names in one sentence

_HEADINGS = (
    "name", "A %", "B %", "B - A", "95 % interval", "only A", "only B", "p exact", "mid-p",
)  # fmt: skip


def pair_table(compared: Compared) -> CellTable:
    """Each pair's accuracies, and the test of it where there is one."""
    title = f"A = {compared.first}, B = {compared.second}, sample by sample"
    return cell_table(title, _HEADINGS, [_row(pair) for pair in compared.pairs])


def pair_notes(compared: Compared) -> Iterator[str]:
    """What the pairs say together."""
    tests = [pair.test for pair in compared.pairs if pair.test]
    if tests:
        yield COMPARED_BY
    if len(tests) > 1:
        better = sum(test.difference > 0 for test in tests)
        worse = sum(test.difference < 0 for test in tests)
        tally = f"B is better in {better}, worse in {worse} of {len(tests)} pairs"
        yield f"{tally}; {points(compared.mean_difference)} points on average"
        yield "each p is of its pair alone: 1 equal pair in 20 falls below 0.05 by chance"


def change_table(compared: Compared) -> CellTable:
    """Settings in which the requests differ, and in how many pairs."""
    seen = Counter(
        (path, _said(before), _said(after))
        for pair in compared.pairs
        for path, (before, after) in pair.changed.items()
    )
    rows = [(*change, str(count)) for change, count in sorted(seen.items())]
    return cell_table("What was asked for differently", ["setting", "A", "B", "pairs"], rows)


def notes(compared: Compared) -> Iterator[str]:
    """What could not be compared."""
    for pair in compared.pairs:
        if pair.reason is not None:
            yield f"{pair.name} was not compared: {pair.reason}"
    for side, group, names in (
        ("A", compared.first, compared.only_first),
        ("B", compared.second, compared.only_second),
    ):
        if names:
            yield f"only in {side}, {group}: {_listed(names)}"
    if not compared.pairs:
        yield "no name is in both groups; runs are compared as `tuneq compare GROUP/RUN GROUP/RUN`"


def _row(pair: Pair) -> tuple[str, ...]:
    lead = (pair.name, percent(pair.first.accuracy), percent(pair.second.accuracy))
    test = pair.test
    if test is None:
        return (*lead, *[NOTHING] * (len(_HEADINGS) - len(lead)))
    return (
        *lead,
        points(test.difference),
        points_interval(test.difference_interval),
        str(test.b),
        str(test.c),
        p_value(test.p_value),
        p_value(test.mid_p_value),
    )


def _said(value: Any) -> str:
    return (
        NOTHING if value is None else value if isinstance(value, str) else to_json(value).decode()
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")

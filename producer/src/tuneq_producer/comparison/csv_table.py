"""A comparison as CSV: accuracies are fractions, differences points, empty is unknown."""

import csv
import io

from tuneq_producer.comparison.compared import Compared, Pair

HEADER = (
    "name", "first_run", "second_run", "first_accuracy", "second_accuracy",
    "samples", "difference", "difference_low", "difference_high", "b", "c",
    "p_value", "mid_p_value", "reason",
)  # fmt: skip


def render_csv(compared: Compared) -> str:
    """A header, and a row for each pair."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(_cells, compared.pairs))
    return text.getvalue()


def _cells(pair: Pair) -> list[object]:
    first, second, test = pair.first, pair.second, pair.test
    lead = [pair.name, first.run, second.run, first.accuracy, second.accuracy]
    if test is None:
        return [*lead, *[None] * (len(HEADER) - len(lead) - 1), pair.reason]
    low, high = test.difference_interval
    counts = [test.samples, test.difference, low, high, test.b, test.c]
    return [*lead, *counts, test.p_value, test.mid_p_value, None]

"""Mistakes on the terminal."""

from collections.abc import Iterator

from rich.console import Console

from tuneq_producer.mistakes.mistake import Mistake
from tuneq_producer.mistakes.summary import Counted, Summary
from tuneq_producer.report.cells import CellTable, Column
from tuneq_producer.report.terminal import print_table
from tuneq_producer.views.console import plain_table
from tuneq_producer.views.words import NOTHING, number

_GROUPS = 30
_LONGEST = 300  # characters of a text that is shown


def print_mistakes(console: Console, summary: Summary) -> None:
    """Print the counts, the groups, and some samples."""
    total = summary.total
    parts = ", ".join(_outcomes(total))
    console.print(f"{summary.group}/{summary.name}: {summary.model}", style="bold")
    console.print(
        f"{total.mistakes} of {total.samples} samples are mistakes"
        + (f": {parts}" if parts else "")
    )
    if summary.baseline is not None:
        console.print(
            f"against {summary.baseline}: {total.fixed} fixed, {total.broken} broken, "
            f"{total.both_wrong} both wrong"
        )
    if summary.note:
        console.print(summary.note, style="dim")
    console.print()
    more = len(summary.groups) + summary.omitted - _GROUPS
    print_table(console, _groups(summary), [f"and {more} more"] if more > 0 else [])
    if summary.mistakes:
        _print_samples(console, summary)


def _outcomes(counted: Counted) -> Iterator[str]:
    for name in ("wrong", "unparsed", "refused"):
        if count := getattr(counted, name):
            yield f"{count} {name}"
    if counted.errored:
        yield f"and {counted.errored} have no answer"


def _groups(summary: Summary) -> CellTable:
    paired = summary.baseline is not None
    names = ["samples", "mistakes", "wrong", "unparsed", "refused"]
    names += ["fixed", "broken", "both_wrong"] if paired else []
    columns = [Column(name.replace("_", " ")) for name in names]
    rows = tuple(
        (each.name or NOTHING, *(number(getattr(each, name)) for name in names))
        for each in summary.groups[:_GROUPS]
    )
    by = summary.by or ""
    return CellTable(f"By {by}", (Column(by, figures=False), *columns), rows)


def _print_samples(console: Console, summary: Summary) -> None:
    shown = len(summary.mistakes)
    left = summary.total.mistakes - shown
    console.print(f"{shown} samples" + (f", {left} more" if left else ""), style="bold")
    table = plain_table()
    table.add_column("sample", justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    for heading in ("prompt", "right", "answer"):
        table.add_column(heading, overflow="fold", ratio=4 if heading == "prompt" else 1)
    for mistake in summary.mistakes:
        table.add_row(
            str(mistake.sample),
            _outcome(mistake),
            _line(mistake.prompt),
            _line(mistake.target),
            NOTHING if mistake.answer is None else _line(mistake.answer),
        )
    console.print(table)


def _outcome(mistake: Mistake) -> str:
    what = {"broken": ", broken", "both_wrong": ", both"}.get(mistake.against or "", "")
    return f"{mistake.outcome}{what}"


def _line(text: str) -> str:
    """The text in one line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"

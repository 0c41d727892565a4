"""A comparison on the terminal, and as Markdown."""

from rich.console import Console

from tuneq_producer.comparison.compared import Compared
from tuneq_producer.comparison.tables import change_table, notes, pair_notes, pair_table
from tuneq_producer.report.markdown import escaped, section
from tuneq_producer.report.terminal import print_table


def print_comparison(console: Console, compared: Compared) -> None:
    """Print the tables that have rows, and what there is to say below them."""
    print_table(console, pair_table(compared), list(pair_notes(compared)))
    print_table(console, change_table(compared))
    for note in notes(compared):
        console.print(note)


def render_markdown(compared: Compared) -> str:
    """The same tables as on the terminal."""
    lines = [f"# {escaped(compared.second)} against {escaped(compared.first)}", ""]
    lines += section(pair_table(compared), list(pair_notes(compared)))
    lines += section(change_table(compared))
    lines += [f"- {escaped(note)}" for note in notes(compared)]
    return "\n".join(lines).rstrip("\n") + "\n"

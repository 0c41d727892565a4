"""The terminal, or what stands in for it."""

import os
import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tuneq_shared.steering import unsteered

_PIPED_WIDTH = 160  # where nobody says how wide


class _Console(Console):
    """Writes no control character that stands in a text: Rich itself lets escapes through."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(unsteered(text), **options)


def open_console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is: names and reasons are never read as markup."""
    stream = sys.stderr if stderr else sys.stdout
    unknown = not stream.isatty() and "COLUMNS" not in os.environ
    return _Console(
        file=stream,
        markup=False,
        emoji=False,
        highlight=False,
        width=_PIPED_WIDTH if unknown else None,
    )


def plain_table() -> Table:
    """An empty table as all commands have it: no frame, a line under the header."""
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        header_style="bold",
    )

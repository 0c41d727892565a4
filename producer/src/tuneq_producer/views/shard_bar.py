"""The shards of an evaluation that is awaited, on stderr."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tuneq_producer.views.console import open_console

Show = Callable[[str, int, int], None]
"""Shows some words, the shards that are done, and all shards; none are known at first."""

_LINES = 10
"""Where stderr is no terminal: lines from the first shard to the last."""


@contextmanager
def shard_bar() -> Iterator[Show]:
    """A bar that vanishes when the block ends; a few lines where stderr is no terminal."""
    console = open_console(stderr=True)
    if not console.is_terminal:
        yield _Lines().show
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("", total=None)

        def show(words: str, done: int, total: int) -> None:
            bars.update(bar, description=words, completed=done, total=total or None)

        yield show


class _Lines:
    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def show(self, words: str, done: int, total: int) -> None:
        now = (words, done * _LINES // total if total else 0)
        if now != self._last:
            self._last = now
            click.echo(f"{words}, {done} of {total} shards" if total else words, err=True)

"""How far a command has come, on stderr, where a person looks at it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def step_progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block lasts; the given function moves it by so many.

    Nothing is shown where stderr is no terminal, or where results appear on it meanwhile.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    # Imported here: it takes long, and most calls do without.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.progress import MofNCompleteColumn, Progress  # noqa: PLC0415 - see above

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True,
        redirect_stdout=False, redirect_stderr=False,
    ) as bars:  # fmt: skip
        bar = bars.add_task(title, total=total)
        yield lambda steps: bars.advance(bar, steps)

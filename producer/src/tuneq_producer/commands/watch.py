"""`tuneq watch`: runs as they come along, until all have ended or are held."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from tuneq_producer.client import Client, open_client
from tuneq_producer.selection import Scope, scope_of, selection_options
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.polling import looks
from tuneq_producer.views.progress import Progress, progress_of
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.tracking import Tracker
from tuneq_producer.views.words import why_not_finished
from tuneq_shared.steering import unsteered

_INTERVAL_S = 0.5


@click.command(epilog="\b\nExample:\n  tuneq watch --group scienceqa")
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.pass_context
def watch(
    ctx: click.Context, *, runs: tuple[str, ...], group: str | None, all_runs: bool, as_json: bool
) -> None:
    """Watch RUNs; all runs by default.

    A live table on a terminal; elsewhere a line for every change of a run's stage.
    Exit code 0: all succeeded; 1: some did not, or are held.
    """
    client = open_client()
    scope = scope_of(client, runs, group, all_runs)
    console = open_console()
    if console.is_terminal and not as_json:
        # Imported here, for only a terminal needs it.
        from tuneq_producer.views.live import watch_live  # noqa: PLC0415 - see above

        progress = watch_live(console, client, scope)
    else:
        progress = _print_changes(client, scope, as_json=as_json)
    if not progress.good:
        ctx.exit(1)


def _print_changes(client: Client, scope: Scope, *, as_json: bool) -> Progress:
    tracker, since = Tracker(client, scope), client.fleet.now()
    show = _show_json if as_json else _show_line
    progress = progress_of(client, scope)
    _show_progress(client, progress, as_json=as_json)
    for _ in looks(_INTERVAL_S, None, scope.title):
        # In this order: when all have settled, every last change is there to be seen.
        progress = progress_of(client, scope)
        look = tracker.all_changes if progress.settled else tracker.changes
        show(client.fleet.now(), look(progress.total, since))
        if progress.settled:
            break
    _show_progress(client, progress, as_json=as_json)
    return progress


def _show_line(now: float, views: Iterator[RunView]) -> None:
    for view in views:
        why = why_not_finished(view)
        click.echo(unsteered(f"{_clock(now)}  {view.full_name}  {view.stage}  {why}".rstrip()))


def _show_json(now: float, views: Iterator[RunView]) -> None:
    for view in views:
        named = {"run": view.run, "name": view.name, "group": view.group, "stage": view.stage}
        reason = why_not_finished(view)
        click.echo(to_json({"at": datetime.fromtimestamp(now, UTC), **named, "reason": reason}))


def _show_progress(client: Client, progress: Progress, *, as_json: bool) -> None:
    now = client.fleet.now()
    if as_json:
        click.echo(to_json({"at": datetime.fromtimestamp(now, UTC), "counts": progress.counts}))
    else:
        click.echo(f"{_clock(now)}  {progress.words()}")


def _clock(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%H:%M:%SZ")

"""`tuneq wait`: return when runs have ended."""

from collections.abc import Iterator
from itertools import islice

import click

from tuneq_producer.client import Client, open_client
from tuneq_producer.selection import Scope, scope_of, selection_options
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.polling import looks
from tuneq_producer.views.progress import progress_of
from tuneq_producer.views.reading import run_views
from tuneq_producer.views.run_view import RunView
from tuneq_producer.views.words import why_not_finished
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.steering import unsteered

_INTERVAL_S = 0.5
_SHOWN = 20
"""Runs without success that are named; all of them are found by `tuneq ls`."""


@click.command(epilog="\b\nExample:\n  tuneq wait --group scienceqa --timeout 3600")
@selection_options
@click.option(
    "--timeout", type=click.FloatRange(min=0), metavar="S", help="Give up after so many seconds."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def wait(
    ctx: click.Context,
    *,
    runs: tuple[str, ...],
    group: str | None,
    all_runs: bool,
    timeout: float | None,
    as_json: bool,
) -> None:
    """Wait until the RUNs have ended, or all that is left is held; all runs by default.

    Archived runs of a group count as they ended; named are those without success in Redis.
    Exit code 0: all succeeded; 1: some did not, or are held; 124: the timeout passed.
    """
    client = open_client()
    scope = scope_of(client, runs, group, all_runs)
    progress = progress_of(client, scope)
    for _ in looks(_INTERVAL_S, timeout, scope.title):
        progress = progress_of(client, scope)
        if progress.settled:
            break
    bad = [] if progress.good else list(islice(_without_success(client, scope), _SHOWN))
    archived = client.catalogue.archived_count(group) if group else 0
    if as_json:
        named = [{"run": v.run, "name": v.name, "group": v.group, "stage": v.stage,
                  "reason": why_not_finished(v)} for v in bad]  # fmt: skip
        document = {"good": progress.good, "total": progress.total, "counts": progress.counts}
        click.echo(to_json({**document, "archived": archived, "without_success": named}))
    else:
        for view in bad:
            click.echo(
                unsteered(f"{view.full_name}  {view.stage}  {why_not_finished(view)}".rstrip())
            )
        click.echo(progress.words())
        if archived and not progress.good:
            click.echo(f"{archived} of them are archived: `tuneq report` reads a group's")
    if not progress.good:
        ctx.exit(1)


def _without_success(client: Client, scope: Scope) -> Iterator[RunView]:
    for view in run_views(client, scope.ids(client)):
        if view.stage != RunStage.SUCCEEDED:
            yield view

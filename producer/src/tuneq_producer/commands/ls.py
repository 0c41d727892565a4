"""`tuneq ls`: the runs, one a line."""

from collections.abc import Iterator, Mapping
from itertools import islice

import click

from tuneq_producer.client import open_client
from tuneq_producer.selection import scope_of
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.progress import progress_of
from tuneq_producer.views.reading import run_views
from tuneq_producer.views.run_table import run_table
from tuneq_producer.views.run_view import RunView
from tuneq_shared.domain.lifecycle import RunStage

_AT_ONCE = 500
"""Runs in one table or one write: a longer list comes piece by piece, the first rows at once."""


@click.command(epilog="\b\nExample:\n  tuneq ls --group scienceqa --stage training")
@click.option("--group", metavar="G", help="Only runs of this group.")
@click.option(
    "--stage",
    "stages",
    type=click.Choice([stage.value for stage in RunStage]),
    multiple=True,
    help="Only runs in this stage; may be given again.",
)
@click.option("--failed", is_flag=True, help="Only runs that failed.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def ls(*, group: str | None, stages: tuple[str, ...], failed: bool, as_json: bool) -> None:
    """List the runs in Redis, oldest first, and count them, archived ones of a group too."""
    client = open_client()
    scope = scope_of(client, (), group)
    wanted = {*stages, *([RunStage.FAILED] if failed else [])}
    progress, archived = progress_of(client, scope), client.catalogue.archived_count(group)
    views = (v for v in run_views(client, scope.ids(client)) if not wanted or v.stage in wanted)
    if as_json:
        _stream_document(views, progress.counts, archived)
        return
    console, now = open_console(), client.fleet.now()
    while rows := list(islice(views, _AT_ONCE)):
        console.print(run_table(rows, now, console.width, with_group=group is None))
    console.print(progress.words())
    if archived:
        of_them = " of them" if group else ", not counted here,"
        console.print(
            f"{archived}{of_them} are archived: `tuneq show` and `tuneq report` read them"
        )


def _stream_document(views: Iterator[RunView], counts: Mapping[str, int], archived: int) -> None:
    """One document, written piece by piece: 100,000 runs need not fit into memory."""
    click.echo('{"runs": [', nl=False)
    before = b""
    while chunk := list(islice(views, _AT_ONCE)):
        click.echo(before + b",\n".join(map(to_json, chunk)), nl=False)
        before = b",\n"
    click.echo(b'], "counts": ' + to_json(counts) + b', "archived": %d}' % archived)

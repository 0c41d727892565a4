"""`tuneq show`: everything about one run."""

import click

from tuneq_producer.client import open_client
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.reading import one_run_view
from tuneq_producer.views.run_page import print_run
from tuneq_shared.domain.item import ItemId, Kind


@click.command(epilog="\b\nExample:\n  tuneq show scienceqa/scienceqa-1000")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(*, run: str, as_json: bool) -> None:
    """Show a RUN: its id, a unique prefix of it, or GROUP/NAME."""
    client = open_client()
    view = one_run_view(client, run)
    if as_json:
        click.echo(to_json(view))
        return
    events = client.catalogue.events(ItemId(Kind.RUN, view.run))
    print_run(open_console(), view, events)

"""`tuneq show`: everything about one run."""

from dataclasses import replace

import click

from tuneq_producer.client import open_client
from tuneq_producer.step_metrics.page import print_step_metrics
from tuneq_producer.step_metrics.reading import read_step_metrics
from tuneq_producer.views.breakdown_page import print_breakdown
from tuneq_producer.views.broken_down import broken_down
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
    parted = tuple(broken_down(client.data, each) for each in view.evaluations)
    metrics = read_step_metrics(client.data, view.artifacts)
    view = replace(view, evaluations=parted, step_metrics=metrics)
    if as_json:
        click.echo(to_json(view))
        return
    events = client.catalogue.events(ItemId(Kind.RUN, view.run))
    console = open_console()
    print_run(console, view, events)
    if metrics is not None:
        print_step_metrics(console, metrics)
    print_breakdown(console, view.evaluations)

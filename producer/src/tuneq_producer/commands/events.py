"""`tuneq events`: the history of one run."""

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from tuneq_producer.client import Client, open_client
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.polling import looks
from tuneq_producer.views.words import event_line
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import is_terminal
from tuneq_shared.ports.catalogue import Event
from tuneq_shared.steering import unsteered

_INTERVAL_S = 0.5


@click.command(epilog="\b\nExample:\n  tuneq events scienceqa/scienceqa-1000 --follow")
@click.argument("run")
@click.option("--follow", is_flag=True, help="Go on printing until the run has ended.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def events(*, run: str, follow: bool, as_json: bool) -> None:
    """Print the history of a RUN, at most its last 200 events."""
    client = open_client()
    item = ItemId(Kind.RUN, client.catalogue.find_run(run))
    source = _followed(client, item) if follow else iter(client.catalogue.events(item))
    for event in source:
        click.echo(_document(item, event) if as_json else unsteered(event_line(event)))


def _followed(client: Client, item: ItemId) -> Iterator[Event]:
    seen: list[Event] = []
    for _ in looks(_INTERVAL_S, None, str(item)):
        # In this order: the events of a run that has ended are all there.
        (record,) = client.catalogue.read([item])
        present = client.catalogue.events(item)
        yield from unseen(seen, present)
        seen = present
        if record is None or is_terminal(Kind.RUN, record.stage):
            return


def unseen(seen: list[Event], present: list[Event]) -> list[Event]:
    """What was added to a history that may have lost its oldest events meanwhile."""
    for lost in range(len(seen) + 1):
        kept = seen[lost:]
        if present[: len(kept)] == kept:
            return present[len(kept) :]
    return present


def _document(item: ItemId, event: Event) -> bytes:
    at = datetime.fromtimestamp(event.at, UTC)
    return to_json({"run": item.key, "at": at, "stage": event.stage, "message": event.message})

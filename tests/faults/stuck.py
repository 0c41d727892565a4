"""What can be said of a site where nothing goes on."""

from collections.abc import Iterator
from typing import Any

from redis.exceptions import RedisError
from tests.faults.workers import Worker

from tuneq_producer.client import Client
from tuneq_sandbox.processes.child import describe_exit
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import is_terminal
from tuneq_shared.domain.record import Record

SHOWN_ITEMS = 12
SHOWN_LINES = 15


class StuckError(AssertionError):
    """What was waited for did not come."""


def describe(raw: Any, client: Client, workers: list[Worker]) -> str:
    """The stages of all runs, the unfinished items, and the end of each worker's log."""
    lines: list[str] = []
    try:
        lines += _items(raw, client)
    except RedisError as error:
        lines.append(f"Redis is away: {error}")
    for worker in workers:
        ended = worker.child.returncode
        state = "at work" if ended is None else f"ended with {describe_exit(ended)}"
        lines.append(f"{worker.child.command.log} ({state}):")
        lines += [f"  {line}" for line in worker.child.output.splitlines()[-SHOWN_LINES:]]
    return "\n".join(lines)


def _items(raw: Any, client: Client) -> Iterator[str]:
    yield f"runs: {client.catalogue.counts()}"
    prefix = f"{client.settings.key_prefix}:item:"
    ids = [ItemId.parse(key.removeprefix(prefix)) for key in raw.scan_iter(f"{prefix}*")]
    now = client.fleet.now()
    records = [record for record in client.catalogue.read(sorted(ids)) if record is not None]
    unfinished = [each for each in records if not is_terminal(each.item.kind, each.stage)]
    yield from (_item(record, now) for record in unfinished[:SHOWN_ITEMS])
    if len(unfinished) > SHOWN_ITEMS:
        yield f"and {len(unfinished) - SHOWN_ITEMS} more items"


def _item(record: Record, now: float) -> str:
    due = "not due" if record.due_at is None else f"due in {record.due_at - now:.1f} s"
    parked = f", parked on {record.parked_on}" if record.parked_on else ""
    asked = f", {record.asked} asked" if record.asked else ""
    tries = record.doc.get("attempts") or 0
    waiting = record.doc.get("waiting")
    words = f"{record.item} is {record.stage}, {due}{parked}{asked}, failed tries {tries}"
    return f"{words}, waiting {waiting}"

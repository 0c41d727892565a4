"""What operators do to many runs, and how they are told what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import click
import orjson

from tuneq_producer.client import Client
from tuneq_producer.selection import select_runs
from tuneq_producer.step_progress import step_progress
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import Record
from tuneq_shared.steering import unsteered

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Deed:
    """What came of one run."""

    message: str
    changed: bool = False
    possible: bool = True  # false: what was wanted cannot be had of this run


Act = Callable[[Client, Sequence[Record]], list[Deed]]
"""Does something to runs, in order."""


def operate(
    client: Client, runs: tuple[str, ...], group: str | None, *, all_runs: bool, act: Act,
    as_json: bool,
) -> bool:  # fmt: skip
    """Act on runs, some hundred at a time, and print what came of each.

    Of a group or of all runs, only those are spoken of that were changed: the others were not
    meant.

    Returns:
        Whether what was wanted was possible with each.

    Raises:
        InvalidInputError: as `select_runs`.
        NotFoundError: as `select_runs`; then nothing was done to any of them.
    """
    ids = select_runs(client, runs, group, all_runs)
    good, changed = True, 0
    with step_progress("runs", len(ids)) as advance:
        for start in range(0, len(ids), _CHUNK):
            items = [ItemId(Kind.RUN, run) for run in ids[start : start + _CHUNK]]
            found = [record for record in client.catalogue.read(items) if record is not None]
            records = [record for record in found if not record.unreadable]
            for record in found:
                if record.unreadable:
                    good = False
                    _print(record.item.key, Deed(record.unreadable), as_json=as_json)
            for record, deed in zip(records, act(client, records), strict=True):
                changed += deed.changed
                if runs or deed.changed:
                    good &= deed.possible
                    _print(record.item.key, deed, as_json=as_json)
            advance(len(items))
    if not runs:
        click.echo(f"{changed} of {len(ids)} runs", err=True)
    return good


def _print(run: str, deed: Deed, *, as_json: bool) -> None:
    if as_json:
        words = {
            "run": run,
            "changed": deed.changed,
            "possible": deed.possible,
            "message": deed.message,
        }
        click.echo(orjson.dumps(words))
    else:
        click.echo(unsteered(f"{run}  {deed.message}"))

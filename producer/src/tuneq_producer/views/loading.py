"""Records to items, for people."""

import click

from tuneq_shared.domain.record import ItemT, Record, load
from tuneq_shared.errors import UnreadableError
from tuneq_shared.steering import unsteered

_HINT = "update tuneq on this machine, or restore what is damaged from a backup"


def loaded(record: Record, kind_type: type[ItemT]) -> ItemT:
    """The item that a record holds.

    Raises:
        UnreadableError: this tuneq cannot read the record.
    """
    if record.unreadable:
        raise UnreadableError(record.unreadable, hint=_HINT)
    try:
        return load(record, kind_type)
    except ValueError as error:
        raise UnreadableError(f"{record.item} cannot be read: {error}", hint=_HINT) from error


def tell(error: UnreadableError) -> None:
    """Say on stderr what a list leaves out."""
    click.echo(unsteered(f"{error.message}; {error.hint}"), err=True)

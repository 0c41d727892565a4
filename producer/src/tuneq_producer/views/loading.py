"""Records to items, for people."""

from tuneq_shared.domain.record import ItemT, Record, load
from tuneq_shared.errors import TuneqError


def loaded(record: Record, kind_type: type[ItemT]) -> ItemT:
    """The item that a record holds.

    Raises:
        TuneqError: this tuneq cannot read the record.
    """
    try:
        return load(record, kind_type)
    except ValueError as error:
        raise TuneqError(
            f"{record.item} cannot be read: {error}", hint="update tuneq on this machine"
        ) from error

"""Sharing what may have been archived meanwhile."""

import logging
from collections.abc import Sequence

from tuneq_shared.archive import Archive
from tuneq_shared.errors import UnreadableError
from tuneq_shared.ports.items import Creation, ItemStore, NewItem

log = logging.getLogger(__name__)


def join_or_bring_back(
    items: ItemStore,
    archive: Archive,
    new: NewItem,
    subscriber: str,
    revive_from: Sequence[str],
    *,
    stage: str | None = None,
) -> Creation:
    """Share an item: the one in Redis, else the one archived (in that stage), else a new one."""
    creation = items.join(new, subscriber, revive_from, creates=False)
    if creation is not Creation.ABSENT:
        return creation
    # It was written to the archive before it left Redis, so it cannot be missed in between.
    try:
        archive.bring_back(new.item, stage)
    except UnreadableError as error:
        log.warning("%s is done anew: %s", new.item, error.message)
    return items.join(new, subscriber, revive_from)

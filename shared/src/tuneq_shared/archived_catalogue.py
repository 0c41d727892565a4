"""A catalogue that also shows what has left Redis for the archive."""

import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from tuneq_shared.archive import AT_ONCE, FOLDERS, Archive
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import Record, unreadable_record
from tuneq_shared.errors import NotFoundError, UnreadableError
from tuneq_shared.ports.catalogue import Catalogue, Event

_RUN_ID = re.compile(r"[a-z2-7]{20}")


class ArchivedCatalogue:
    """`Catalogue` over another one and the archive: what the other does not have is read there."""

    def __init__(self, present: Catalogue, archive: Archive) -> None:
        self._present = present
        self._archive = archive

    def read(self, items: Sequence[ItemId]) -> list[Record | None]:
        """What is in Redis in few reads, each of the rest from its file.

        A file that cannot be read makes a record that says so, and keeps no other from being read.
        """
        records = self._present.read(items)
        pairs = enumerate(zip(items, records, strict=True))
        absent = [n for n, (item, record) in pairs if record is None and item.kind in FOLDERS]
        if absent:
            with ThreadPoolExecutor(min(AT_ONCE, len(absent))) as threads:
                found = threads.map(self._find, [items[place] for place in absent])
                for place, record in zip(absent, found, strict=True):
                    records[place] = record
        return records

    def _find(self, item: ItemId) -> Record | None:
        try:
            ended = self._archive.find(item)
        except UnreadableError as error:
            return unreadable_record(item, error.message)
        return ended.record if ended else None

    def events(self, item: ItemId, start: int = 0) -> list[Event]:
        """The history where it is."""
        if item.kind is Kind.RUN and self._present.read([item]) == [None]:
            ended = self._archive.find(item)
            return list(ended.events[start:]) if ended else []
        return self._present.events(item, start)

    def find_run(self, text: str) -> str:
        """As Redis knows it; a full id also after a loss of all that Redis held."""
        try:
            return self._present.find_run(text)
        except NotFoundError:
            if _RUN_ID.fullmatch(text) and self._archive.find(ItemId(Kind.RUN, text)):
                return text
            raise

    def run_ids(self, group: str | None = None, *, archived: bool = False) -> list[str]:
        """As Redis knows them."""
        return self._present.run_ids(group, archived=archived)

    def counts(self, group: str | None = None, *, archived: bool = False) -> dict[str, int]:
        """As Redis knows them."""
        return self._present.counts(group, archived=archived)

    def archived_count(self, group: str | None = None) -> int:
        """As Redis knows it."""
        return self._present.archived_count(group)

    def archived_among(self, runs: Collection[str]) -> set[str]:
        """As Redis knows them."""
        return self._present.archived_among(runs)

    def archived_followers(self, account: str, jobs: Collection[str]) -> dict[str, str]:
        """As Redis knows them."""
        return self._present.archived_followers(account, jobs)

    def groups(self) -> list[str]:
        """Those with archived runs alone included."""
        return self._present.groups()

    def names(self, group: str) -> dict[str, str]:
        """Those of archived runs included."""
        return self._present.names(group)

"""The archive: ended items as files under the data root, and the way there and back."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson
from pydantic import TypeAdapter, ValidationError

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.schema import SCHEMA as RECORD_SCHEMA
from tuneq_shared.errors import UnreadableError
from tuneq_shared.ports.retention import EndedItem, Retention

SCHEMA = 1
"""Version of the files, written into each; a reader refuses what is newer."""

AT_ONCE = 16
"""Files read or written at the same time: each waits for its disk or its network."""

FOLDERS = {
    Kind.RUN: "runs",
    Kind.EVALUATION: "evaluations",
    Kind.DEPLOYMENT: "deployments",
}
"""The kinds that are archived, and where."""

_NAME = re.compile(r"(\d+)\.json")
_ENDED = TypeAdapter(EndedItem)


class Archive:
    """Runs and evaluations that have left Redis.

    Each end of an item has a file of its own, named by its Redis time in milliseconds: a process
    that was held up since it read an item writes nothing over a later end. The latest counts.
    """

    def __init__(self, data: DataRoot, retention: Retention) -> None:
        self._data = data
        self._retention = retention

    def put_away(self, ended: Sequence[EndedItem]) -> list[bool]:
        """Write items to files, then let them go from Redis; answers which have gone.

        Dying in between leaves them in both places, where Redis counts.

        Raises:
            DataRootError: the root cannot be written; nothing was let go.
        """
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for _ in threads.map(self._write, ended):
                pass
        return self._retention.forget(ended)

    def find(self, item: ItemId) -> EndedItem | None:
        """The item as it ended last; none if it was never put away.

        Raises:
            UnreadableError: this tuneq cannot read its file.
        """
        folder = _folder(item)
        ends = [int(m[1]) for name in self._data.names(folder) if (m := _NAME.fullmatch(name))]
        if not ends:
            return None
        path = f"{folder}/{max(ends)}.json"
        with self._data.read(path) as file:
            return _read(path, file.read())

    def bring_back(self, item: ItemId, stage: str | None = None) -> bool:
        """Put an item into Redis again as it had ended, if it ended in that stage.

        Returns:
            Whether it came back; not so if it is in Redis, or was never put away.

        Raises:
            UnreadableError: this tuneq cannot read its file.
            ConflictError: its key or name is another run's by now, as can be after a loss of Redis.
        """
        ended = self.find(item)
        if ended is None or (stage is not None and ended.stage != stage):
            return False
        return self._retention.restore(ended)

    def _write(self, ended: EndedItem) -> None:
        document = {"v": SCHEMA, **_ENDED.dump_python(ended, mode="json")}
        path = f"{_folder(ended.item)}/{round(ended.ended_at * 1000)}.json"
        with self._data.write(path) as file:
            file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _folder(item: ItemId) -> str:
    return f"archive/{FOLDERS[item.kind]}/{item.key}"


def _read(path: str, raw: bytes) -> EndedItem:
    try:
        document = orjson.loads(raw)
        version = document.pop("v")
        if version > SCHEMA:
            raise _newer(path, version, SCHEMA)
        ended = _ENDED.validate_python(document)
        version = max(part.get("v", RECORD_SCHEMA) for part in (ended.fixed, ended.doc))
        if version > RECORD_SCHEMA:
            raise _newer(path, version, RECORD_SCHEMA)
    except (ValueError, KeyError, AttributeError, TypeError, ValidationError) as error:
        raise UnreadableError(
            f"data:{path} cannot be read: {error}", hint="restore this file from a backup"
        ) from error
    return ended


def _newer(path: str, version: int, known: int) -> UnreadableError:
    return UnreadableError(
        f"data:{path} was written by a newer tuneq (schema {version}, here {known})",
        hint="update tuneq on this machine",
    )

"""Which files of a folder go when it takes too much room: the oldest."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

_WRITTEN = ("mtime", "LastModified", "updated", "last_modified")
"""What the kinds of places call the time of the last write."""


def too_many(files: Iterable[Mapping[str, Any]], room: int) -> Iterator[str]:
    """The oldest files, until the others take at most so many bytes.

    Args:
        files: as fsspec lists them in detail.
        room: bytes.
    """
    by_age = sorted((info for info in files if info["type"] == "file"), key=_written_at)
    taken = sum(info["size"] for info in by_age)
    for info in by_age:
        if taken <= room:
            return
        taken -= info["size"]
        yield info["name"]


def _written_at(info: Mapping[str, Any]) -> float:
    time = next((info[name] for name in _WRITTEN if info.get(name)), 0.0)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    return time.timestamp() if isinstance(time, datetime) else float(time)

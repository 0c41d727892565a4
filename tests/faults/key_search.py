"""Where a text stands that must stand nowhere."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis import Redis

GZIP = b"\x1f\x8b"


def in_redis(url: str, text: str) -> Iterator[str]:
    """The keys that bear the text, or hold it."""
    client: Any = Redis.from_url(url)
    with client:
        for key in client.scan_iter():
            if text.encode() in key or text.encode() in repr(_content(client, key)).encode():
                yield f"Redis key {key.decode(errors='replace')}"


def _content(client: Any, key: bytes) -> Any:
    kind = client.type(key).decode()
    read = {
        "none": lambda _: None,  # it has gone meanwhile
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "stream": client.xrange,
    }
    return read[kind](key)


def in_files(folder: Path, text: str) -> Iterator[str]:
    """The files under a folder whose name bears the text, or that hold it."""
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        if content.startswith(GZIP):
            content = gzip.decompress(content)
        if text in path.name or text.encode() in content:
            yield f"file {path.relative_to(folder)}"


def in_process_list(text: str) -> Iterator[str]:
    """The processes of this machine whose arguments hold the text, as `ps` shows them."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if text.encode() in words:
            yield f"process {entry.parent.name}"

"""Files to read from, plain or gzipped, and files that appear whole or not at all."""

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from tuneq_shared.data.lines import Reread
from tuneq_shared.errors import InvalidInputError

_BUFFER_BYTES = 1 << 18


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; one that ends in `.gz` is decompressed on the way.

    Raises:
        InvalidInputError: there is no such file, it may not be read, or it is not valid gzip.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as packed:
                yield cast("BinaryIO", packed)
        else:
            with path.open("rb") as plain:
                yield plain
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(
            f"cannot read {path}: {reason}", hint="correct the path, or make the file readable"
        ) from error


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, plain or gzipped; it is open while they are read.

    Raises:
        InvalidInputError: as `reading`.
    """
    with reading(path) as stream:
        yield from stream


def reread_lines(path: Path) -> Iterable[bytes]:
    """The same, to go through more than once where it is a file, and once where it is a pipe."""
    return Reread(partial(read_lines, path)) if path.is_file() else read_lines(path)


@contextmanager
def replacing(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Write a file under another name, and give it its own when all is written.

    Folders that are missing are made. After an error nothing is left behind.

    Raises:
        InvalidInputError: the file exists and `force` is off, or it cannot be written.
    """
    refuse_existing(path, force=force)
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("wb", buffering=_BUFFER_BYTES) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"cannot write {path}: {error.strerror or error}", hint="choose another --out"
        ) from error


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuse to overwrite a file unless `force` is on.

    Raises:
        InvalidInputError: the file exists.
    """
    if path.exists() and not force:
        raise InvalidInputError(
            f"{path} exists already", hint="choose another --out, or overwrite it with --force"
        )

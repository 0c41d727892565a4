"""The runs of all rows, between their check and their creation."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import msgspec

from tuneq_shared.ports.items import NewItem

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(NewItem).decode


class KeptRuns:
    """Runs in the order of their rows: on disk, for there may be many, and each is made once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def keep(self, new: NewItem) -> None:
        """Put a run behind the others."""
        self._file.write(_encode(new) + b"\n")

    def __iter__(self) -> Iterator[NewItem]:
        self._file.seek(0)
        return map(_decode, self._file)


@contextmanager
def keeping() -> Iterator[KeptRuns]:
    """Keep runs in a temporary file."""
    with TemporaryFile() as file:
        yield KeptRuns(cast("BinaryIO", file))

"""Many JSON lines decoded in one call."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class LineDecoder(Generic[T]):
    """Decodes lines that are all one JSON value of a type."""

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.json.Decoder(list[tuple[kind]]).decode  # type: ignore[valid-type]

    def __call__(self, lines: Sequence[bytes]) -> list[T] | None:
        """The value of each line, in order; None where a line is no such value, or blank.

        Each stands in brackets of its own, so that no two on one line pass, nor one on two.
        """
        try:
            values = self._decode(b"[[" + b"],[".join(lines) + b"]]")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return [value for (value,) in values] if len(values) == len(lines) else None

"""A sample's lines, kept on disk."""

from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from tuneq_shared.data.sampling import first_places
from tuneq_shared.errors import InvalidInputError

_BUFFER_BYTES = 1024  # one line is read from each place
_LEFT_OUT, _WANTED = -2, -1


@dataclass(frozen=True, slots=True)
class DrawnLines:
    """Lines in the order of the draw, to be gone through again and again."""

    numbers: "array[int]"
    """Of each in the file that it was drawn from, from 1."""
    _starts: "array[int]"
    _kept: BinaryIO

    def __iter__(self) -> Iterator[bytes]:
        """Where lines are gone through by two at once, neither disturbs the other."""
        for start in self._starts:
            self._kept.seek(start)
            yield self._kept.readline()


@contextmanager
def drawn(lines: Iterable[bytes], n: int, seed: int) -> Iterator[DrawnLines]:
    """The first `n` lines of the seed's permutation of those that are not blank.

    Goes through the lines twice. The chosen ones lie in a temporary file; in memory are some 30
    bytes for each line of the whole.

    Args:
        lines: can be gone through again.
        n: how many are drawn.
        seed: of the permutation.

    Raises:
        InvalidInputError: there are fewer than `n` such lines, `n` is below 1, or the lines change.
    """
    count = sum(1 for _ in _filled(lines))
    chosen = first_places(count, n, seed)
    starts = array("q", [_LEFT_OUT]) * count
    for place in chosen:
        starts[place] = _WANTED
    numbers = array("Q", bytes(8 * count))
    with TemporaryFile(buffering=_BUFFER_BYTES) as file:
        kept, end, seen = cast("BinaryIO", file), 0, 0
        for seen, (number, line) in enumerate(_filled(lines), 1):
            if seen <= count and starts[seen - 1] == _WANTED:
                starts[seen - 1], numbers[seen - 1] = end, number
                end += kept.write(line if line.endswith(b"\n") else line + b"\n")
        if seen != count:
            raise InvalidInputError("the file changed while it was read")
        yield DrawnLines(
            array("Q", map(numbers.__getitem__, chosen)),
            array("Q", map(starts.__getitem__, chosen)),
            kept,
        )


def _filled(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if line.strip())

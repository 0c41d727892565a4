"""The cells of CSV and TSV files, many rows at a time, by columns."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tuneq_producer.prepare.files import reading
from tuneq_shared.errors import InvalidInputError

_ROWS_PER_CHUNK = 1_000
_LONGEST_CELL = 2**31 - 1


def read_separated(path: Path, separator: str) -> Iterator[dict[str, tuple[str, ...]]]:
    """Consecutive rows, by columns in the order of the header.

    Blank lines are skipped, cells that a row lacks are empty, and where a name stands twice, it
    means the first column.

    Raises:
        InvalidInputError: it cannot be read, is not UTF-8, has an open quote, or a row is longer
            than the header.
    """
    csv.field_size_limit(_LONGEST_CELL)
    with reading(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        lines = csv.reader(text, delimiter=separator, strict=True)
        rows = filter(None, lines)
        try:
            names = next(rows, None)
            if names is None:
                raise _no_table(path, "it is empty")
            first = 1
            while chunk := list(islice(rows, _ROWS_PER_CHUNK)):
                if set(map(len, chunk)) != {len(names)}:
                    chunk = list(_filled_up(path, chunk, len(names), first))
                first += len(chunk)
                cells: dict[str, tuple[str, ...]] = {}
                for name, column in zip(names, zip(*chunk, strict=True), strict=False):
                    cells.setdefault(name, column)
                if cells:
                    yield cells
        except (csv.Error, UnicodeDecodeError) as error:
            raise _no_table(path, f"{error}, in line {lines.line_num + 1}") from error


def _filled_up(
    path: Path, rows: Sequence[Sequence[str]], width: int, first: int
) -> Iterator[list[str]]:
    number = first
    for row in rows:
        if len(row) == 1 < width and not row[0].strip():
            continue  # a line of blanks
        if len(row) > width:
            raise _no_table(path, f"row {number} has {len(row)} cells, the header {width}")
        yield [*row, *[""] * (width - len(row))]
        number += 1


def _no_table(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is not a table: {why}",
        hint="check the separator, the quotes and that it is UTF-8",
    )

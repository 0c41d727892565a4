"""The rows of CSV, JSONL and Parquet files, many at a time, by columns of texts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from tuneq_producer.prepare.files import read_lines, reading
from tuneq_producer.prepare.separated import read_separated
from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import batches, read_json_lines
from tuneq_shared.errors import InvalidInputError

_ROWS_PER_CHUNK = 10_000
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows that have the same columns."""

    place: Callable[[int], str]
    """Where a row stands, such as `data.csv: row 3`; the first is 0."""
    names: Sequence[str]
    """Of the columns."""
    cells: Callable[[str], Sequence[Any]]
    """The cells of a column, by its name, as they are in the file."""

    def column(self, name: str) -> Sequence[str]:
        """The cells of a column: texts as they are, JSON for other values, else nothing."""
        cells = self.cells(name)
        return cells if set(map(type, cells)) == {str} else list(map(_cell_text, cells))


def read_rows(path: Path) -> Iterator[Rows]:
    """The rows, in the order of the file.

    The kind of file is known by its suffix; `.gz` behind `.csv`, `.tsv` or `.jsonl` is unpacked.

    Raises:
        InvalidInputError: the file cannot be read, or not as what its suffix says.
    """
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind in _SEPARATORS:
        return _csv_rows(path, _SEPARATORS[kind])
    if kind == ".parquet" and kind == path.suffix:
        return _parquet_rows(path)
    if kind == ".jsonl":
        return _json_rows(path)
    raise InvalidInputError(
        f"{path} is none of .csv, .tsv, .parquet and .jsonl",
        hint="rename or convert the file; .csv.gz, .tsv.gz and .jsonl.gz are read too",
    )


def _csv_rows(path: Path, separator: str) -> Iterator[Rows]:
    first = 1
    for cells in read_separated(path, separator):
        yield Rows(partial(_numbered, path, first), list(cells), cells.__getitem__)
        first += len(next(iter(cells.values())))


def _json_rows(path: Path) -> Iterator[Rows]:
    first = 1
    for batch in batches(read_lines(path)):
        objects = _decoded(batch)
        if len(set(map(tuple, objects))) == 1:
            numbers = range(first, first + len(objects))
            yield Rows(partial(_at_line, path, numbers), list(objects[0]), partial(_of, objects))
        else:
            yield from _judged(path, batch, first)
        first += len(batch)


def _decoded(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """The objects on the lines; nothing where a line is no object.

    Each stands in brackets of its own, so that no two on one line pass, nor one on two.
    """
    try:
        values = orjson.loads(b"[[" + b"],[".join(lines) + b"]]")
    except orjson.JSONDecodeError:
        return []
    if len(values) != len(lines) or set(map(len, values)) != {1}:
        return []
    objects = list(chain.from_iterable(values))
    return objects if set(map(type, objects)) == {dict} else []


def _judged(path: Path, lines: Sequence[bytes], first: int) -> Iterator[Rows]:
    """Lines of which some are blank, no object, or have other names than the rest."""
    fault: InvalidInputError | None = None
    values: list[tuple[int, dict[str, Any]]] = []
    for number, value in read_json_lines(lines, first):
        if isinstance(value, dict):
            values.append((number, value))
        elif not isinstance(value, Problem):
            words, hint = "not an object", "write one object a line"
            fault = InvalidInputError(f"{path}:{number}: {words}", hint=hint)
        elif value.is_error:
            fault = InvalidInputError(f"{path}:{number}: {value.message}", hint="correct the line")
        if fault is not None:
            break
    for names, group in groupby(values, _names):
        numbers, alike = zip(*group, strict=True)
        yield Rows(partial(_at_line, path, numbers), names, partial(_of, alike))
    if fault is not None:
        raise fault


def _names(entry: tuple[int, dict[str, Any]]) -> tuple[str, ...]:
    return tuple(entry[1])


def _of(objects: Sequence[dict[str, Any]], name: str) -> list[Any]:
    return list(map(itemgetter(name), objects))


def _parquet_rows(path: Path) -> Iterator[Rows]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InvalidInputError(
            f"{path}: reading Parquet needs pyarrow, which is not installed",
            hint="pip install 'tuneq-producer[parquet]'",
        ) from error
    try:
        with reading(path) as stream:
            first = 1
            for batch in parquet.ParquetFile(stream).iter_batches(_ROWS_PER_CHUNK):
                names = batch.schema.names
                yield Rows(partial(_numbered, path, first), names, partial(_of_batch, batch))
                first += batch.num_rows
    except ValueError as error:  # what pyarrow's errors about the content are
        raise InvalidInputError(
            f"{path} is not a Parquet file: {error}", hint="write it again, or convert it to CSV"
        ) from error


def _of_batch(batch: Any, name: str) -> list[Any]:
    cells: list[Any] = batch.columns[batch.schema.names.index(name)].to_pylist()
    return cells


def _at_line(path: Path, numbers: Sequence[int], place: int) -> str:
    return f"{path}:{numbers[place]}"


def _numbered(path: Path, first: int, place: int) -> str:
    return f"{path}: row {first + place}"


def _cell_text(cell: Any) -> str:
    """A cell as text: texts as they are, JSON for other values, nothing where there is none."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell != cell:  # noqa: PLR0124 - a missing number is not equal to itself
        return ""
    if isinstance(cell, bool | int | float | list | dict):
        return orjson.dumps(cell, default=str).decode()
    return str(cell)

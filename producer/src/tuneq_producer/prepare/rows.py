"""The rows of CSV, JSONL and Parquet files, many at a time, by columns of texts."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from tuneq_producer.prepare.files import read_lines, reading
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
    cells: Mapping[str, list[Any]]

    def column(self, name: str) -> list[str]:
        """The cells of a column: texts as they are, JSON for other values, else nothing."""
        cells = self.cells[name]
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
    import pandas as pd  # noqa: PLC0415 - takes half a second, which other commands need not pay

    try:
        with reading(path) as stream, warnings.catch_warnings():
            # pandas only warns where it drops the cells of rows that are too long.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            chunks = pd.read_csv(
                stream,
                sep=separator,
                dtype=object,  # texts as they are, without a detour
                keep_default_na=False,
                index_col=False,
                chunksize=_ROWS_PER_CHUNK,
            )
            first = 1
            for chunk in chunks:
                cells = {str(name): chunk[name].tolist() for name in chunk.columns}
                yield Rows(partial(_numbered, path, first), cells)
                first += len(chunk)
    except (ValueError, pd.errors.ParserWarning) as error:  # parser and encoding errors
        raise InvalidInputError(
            f"{path} is not a table: {str(error).strip()}",
            hint="check the separator, the quotes and that it is UTF-8",
        ) from error


def _json_rows(path: Path) -> Iterator[Rows]:
    first = 1
    for batch in batches(read_lines(path)):
        fault: InvalidInputError | None = None
        values: list[tuple[int, dict[str, Any]]] = []
        for number, value in read_json_lines(batch, first):
            if isinstance(value, dict):
                values.append((number, value))
            elif not isinstance(value, Problem):
                words, hint = "not an object", "write one object a line"
                fault = InvalidInputError(f"{path}:{number}: {words}", hint=hint)
            elif value.is_error:
                fault = InvalidInputError(
                    f"{path}:{number}: {value.message}", hint="correct the line"
                )
            if fault is not None:
                break
        for names, group in groupby(values, _names):
            numbers, alike = zip(*group, strict=True)
            cells = {name: list(map(itemgetter(name), alike)) for name in names}
            yield Rows(partial(_at_line, path, numbers), cells)
        if fault is not None:
            raise fault
        first += len(batch)


def _names(entry: tuple[int, dict[str, Any]]) -> tuple[str, ...]:
    return tuple(entry[1])


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
                columns = zip(batch.schema.names, batch.columns, strict=True)
                cells = {str(name): column.to_pylist() for name, column in columns}
                yield Rows(partial(_numbered, path, first), cells)
                first += batch.num_rows
    except ValueError as error:  # what pyarrow's errors about the content are
        raise InvalidInputError(
            f"{path} is not a Parquet file: {error}", hint="write it again, or convert it to CSV"
        ) from error


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

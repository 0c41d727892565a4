"""The rows of CSV, JSONL and Parquet files, one at a time, every cell a text."""

import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from tuneq_producer.prepare.files import read_lines, reading
from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import read_json_lines
from tuneq_shared.errors import InvalidInputError

Row = dict[str, str]
_ROWS_PER_CHUNK = 10_000
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def read_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Each row and the place where it stands, such as `data.csv: row 3`; rows count from 1.

    The kind of file is known by its suffix; `.gz` behind `.csv`, `.tsv` or `.jsonl` is unpacked.

    Raises:
        InvalidInputError: the file cannot be read, or not as what its suffix says.
    """
    kind = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if kind in _SEPARATORS:
        rows = _csv_rows(path, _SEPARATORS[kind])
    elif kind == ".parquet" and kind == path.suffix:
        rows = _parquet_rows(path)
    elif kind == ".jsonl":
        yield from _json_rows(path)
        return
    else:
        raise InvalidInputError(
            f"{path} is none of .csv, .tsv, .parquet and .jsonl",
            hint="rename or convert the file; .csv.gz, .tsv.gz and .jsonl.gz are read too",
        )
    for number, row in enumerate(rows, 1):
        yield f"{path}: row {number}", row


def _csv_rows(path: Path, separator: str) -> Iterator[Row]:
    import pandas as pd  # noqa: PLC0415 - takes half a second, which other commands need not pay

    try:
        with reading(path) as stream, warnings.catch_warnings():
            # pandas only warns where it drops the cells of rows that are too long.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            chunks = pd.read_csv(
                stream,
                sep=separator,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                chunksize=_ROWS_PER_CHUNK,
            )
            for chunk in chunks:
                names = [str(name) for name in chunk.columns]
                columns = [chunk[name].tolist() for name in chunk.columns]
                for cells in zip(*columns, strict=True):
                    yield dict(zip(names, map(_cell_text, cells), strict=True))
    except (ValueError, pd.errors.ParserWarning) as error:  # parser and encoding errors
        raise InvalidInputError(
            f"{path} is not a table: {str(error).strip()}",
            hint="check the separator, the quotes and that it is UTF-8",
        ) from error


def _json_rows(path: Path) -> Iterator[tuple[str, Row]]:
    for number, value in read_json_lines(read_lines(path)):
        place = f"{path}:{number}"
        if isinstance(value, Problem):
            if value.is_error:
                raise InvalidInputError(f"{place}: {value.message}", hint="correct the line")
        elif not isinstance(value, dict):
            raise InvalidInputError(f"{place}: not an object", hint="write one object a line")
        else:
            yield place, {name: _cell_text(cell) for name, cell in value.items()}


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InvalidInputError(
            f"{path}: reading Parquet needs pyarrow, which is not installed",
            hint="pip install 'tuneq-producer[parquet]'",
        ) from error
    try:
        with reading(path) as stream:
            for batch in parquet.ParquetFile(stream).iter_batches(_ROWS_PER_CHUNK):
                for row in batch.to_pylist():
                    yield {str(name): _cell_text(cell) for name, cell in row.items()}
    except ValueError as error:  # what pyarrow's errors about the content are
        raise InvalidInputError(
            f"{path} is not a Parquet file: {error}", hint="write it again, or convert it to CSV"
        ) from error


def _cell_text(cell: Any) -> str:
    """A cell as text: texts as they are, JSON for other values, nothing where there is none."""
    if isinstance(cell, str):
        return cell
    if cell is None or cell != cell:  # noqa: PLR0124 - a missing number is not equal to itself
        return ""
    if isinstance(cell, bool | int | float | list | dict):
        return orjson.dumps(cell, default=str).decode()
    return str(cell)

"""A table as CSV and as Parquet, written in one pass with a bounded number of rows in memory."""

import csv
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Self

from tuneq_producer.tables.table import Cell, Table
from tuneq_shared.errors import InvalidInputError

_ROWS = 10_000  # at once
_ARROW = {str: "string", int: "int64", float: "float64", bool: "bool"}


def write_table(folder: Path, table: Table, *, parquet: bool) -> int:
    """Write `csv/NAME.csv`, and `parquet/NAME.parquet` if wanted; how many rows there are.

    In CSV an empty cell is not known, times are ISO 8601 in UTC, and truth is `true` or `false`.
    """
    rows = iter(table.rows)
    written = 0
    with ExitStack() as files:
        path = _made(folder, "csv", table)
        text = files.enter_context(path.open("w", encoding="utf-8", newline=""))
        lines = csv.writer(text)  # ends lines by CR LF, and so quotes both within a cell
        lines.writerow(table.kinds)
        columns = files.enter_context(_Parquet(folder, table)) if parquet else None
        while chunk := list(islice(rows, _ROWS)):
            lines.writerows([_plain(cell) for cell in row] for row in chunk)
            if columns is not None:
                columns.write(chunk)
            written += len(chunk)
    return written


def require_parquet() -> None:
    """Refuse where Parquet cannot be written.

    Raises:
        InvalidInputError: pyarrow is not installed.
    """
    try:
        import_module("pyarrow.parquet")
    except ImportError as error:
        raise InvalidInputError(
            "writing Parquet needs pyarrow, which is not installed",
            hint="pip install 'tuneq-producer[parquet]', or --no-parquet",
        ) from error


def discard_table(folder: Path, table: Table) -> None:
    """Remove what was written of a table."""
    for kind in ("csv", "parquet"):
        _file(folder, kind, table).unlink(missing_ok=True)


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return cell


def _file(folder: Path, kind: str, table: Table) -> Path:
    return folder / kind / f"{table.name}.{kind}"


def _made(folder: Path, kind: str, table: Table) -> Path:
    path = _file(folder, kind, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class _Parquet:
    """A Parquet file that grows by chunks of rows."""

    def __init__(self, folder: Path, table: Table) -> None:
        # Imported here: it takes long, and may not be installed.
        import pyarrow as pa  # noqa: PLC0415 - see above
        from pyarrow import parquet  # noqa: PLC0415 - see above

        types = [
            pa.timestamp("us", tz="UTC") if kind is datetime else pa.type_for_alias(_ARROW[kind])
            for kind in table.kinds.values()
        ]
        self._schema = pa.schema(list(zip(table.kinds, types, strict=True)))
        self._batch = pa.record_batch
        self._file = parquet.ParquetWriter(_made(folder, "parquet", table), self._schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, rows: list[tuple[Cell, ...]]) -> None:
        """Add rows."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._file.write_batch(self._batch(columns, schema=self._schema))

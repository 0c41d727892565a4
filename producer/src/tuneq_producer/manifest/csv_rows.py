"""CSV manifests: columns nest by dots, empty cells are absent."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tuneq_producer.prepare.files import reading
from tuneq_shared.errors import InvalidInputError

CsvRow = tuple[int, dict[str, Any], str]


def read_csv(path: Path) -> Iterator[CsvRow]:
    """Each row's first line in the file, its nested values, and what is wrong with it.

    A part of a column's name that is a number counts the members of a list, from 0:
    `evaluation.baselines.0.model`.

    Raises:
        InvalidInputError: it cannot be read, or its header makes no sense.
    """
    with reading(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        rows = csv.reader(text, strict=True)
        try:
            header = [name.strip() for name in next(rows, [])]
            columns = _columns(header, path)
            before = rows.line_num
            for cells in rows:
                line, before = before + 1, rows.line_num
                if not any(cells):
                    continue
                if len(cells) > len(header):
                    yield line, {}, f"{len(cells)} cells, but the header names {len(header)}"
                else:
                    yield line, _nested(columns, cells), ""
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInputError(
                f"{path}:{rows.line_num + 1} is not CSV: {error}",
                hint="save it as UTF-8, with commas, and quotes around cells that hold commas",
            ) from error


def _columns(header: Sequence[str], path: Path) -> list[tuple[str, ...]]:
    columns = [tuple(name.split(".")) for name in header]
    for index, column in enumerate(columns):
        if not all(column):
            raise InvalidInputError(
                f"{path}: column {index + 1} has no name, or an empty part in it",
                hint="name columns like evaluation.dataset",
            )
        for other in columns[:index]:
            shorter = min(len(column), len(other))
            if column[:shorter] == other[:shorter]:
                names = f"{'.'.join(other)} and {'.'.join(column)}"
                raise InvalidInputError(
                    f"{path}: the columns {names} exclude each other", hint="keep one of them"
                )
    return columns


def _nested(columns: Sequence[tuple[str, ...]], cells: Sequence[str]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for column, cell in zip(columns, cells, strict=False):
        if not cell.strip():
            continue
        inner = root
        for part in column[:-1]:
            inner = inner.setdefault(part, {})
        inner[column[-1]] = cell
    return {name: _with_lists(value) for name, value in root.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(part) for name, part in value.items()}
    if all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner

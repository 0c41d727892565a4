"""Rows of a table as chat lines, by a prompt template and a response column."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tuneq_producer.prepare.files import replacing
from tuneq_producer.prepare.rows import Row, read_rows
from tuneq_producer.prepare.template import Template
from tuneq_shared.errors import InvalidInputError

_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFormat:
    """Which cells of a row go where."""

    prompt: Template
    response: str
    """The column of the answers."""
    system: str | None = None
    """The text of a system message before each prompt."""
    label: str | None = None
    """The column that fills `metadata.label`."""

    @property
    def columns(self) -> dict[str, str]:
        """Each column that is used, and the option that names it."""
        named = dict.fromkeys(self.prompt.columns, "--prompt")
        named.setdefault(self.response, "--response")
        if self.label is not None:
            named.setdefault(self.label, "--label")
        return named

    def chat_line(self, row: Row) -> dict[str, Any]:
        """A row as a chat line."""
        messages = [
            {"role": "user", "content": self.prompt.fill(row)},
            {"role": "assistant", "content": row[self.response]},
        ]
        if self.system is not None:
            messages.insert(0, {"role": "system", "content": self.system})
        metadata = {} if self.label is None else {"metadata": {"label": row[self.label]}}
        return {"messages": messages, **metadata}


def write_table(source: Path, out: Path, table: TableFormat, *, force: bool) -> int:
    """Write each row of `source` as a chat line to `out`; how many there are.

    Raises:
        InvalidInputError: a column is unknown, a cell that is used is empty, there is no row, or
            `out` exists and `force` is off. Nothing is written then.
    """
    written = 0
    with replacing(out, force=force) as stream:
        for row in _full_rows(read_rows(source), table.columns):
            stream.write(orjson.dumps(table.chat_line(row), option=orjson.OPT_APPEND_NEWLINE))
            written += 1
        if not written:
            raise InvalidInputError(f"{source} has no rows", hint="name a table with rows")
    return written


def _full_rows(rows: Iterable[tuple[str, Row]], columns: dict[str, str]) -> Iterator[Row]:
    """The rows, up to the first empty cell; all the empty cells are told of at the end."""
    empty: list[str] = []
    for place, row in rows:
        for column, option in columns.items():
            if column not in row:
                raise InvalidInputError(
                    f"{place}: no column {column!r}, which {option} names",
                    hint=f"the columns are: {', '.join(row)}",
                )
            if not row[column].strip():
                empty.append(f"{place} has an empty {column!r}")
        if not empty:
            yield row
    if empty:
        more = f"; and {len(empty) - _LISTED} more" if len(empty) > _LISTED else ""
        raise InvalidInputError(
            f"{len(empty)} empty cells: {'; '.join(empty[:_LISTED])}{more}",
            hint="fill the cells, or take the rows out",
        )

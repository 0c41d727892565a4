"""Rows of a table as chat lines, by a prompt template and a response column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import orjson

from tuneq_producer.prepare.files import replacing
from tuneq_producer.prepare.rows import Rows, read_rows
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

    def chat_lines(self, cells: Mapping[str, Sequence[str]]) -> Iterator[bytes]:
        """Rows, given by columns, as chat lines."""
        user, assistant = {"role": "user", "content": ""}, {"role": "assistant", "content": ""}
        line: dict[str, Any] = {"messages": [user, assistant]}
        if self.system is not None:
            line["messages"].insert(0, {"role": "system", "content": self.system})
        labels: Iterable[str] = repeat("")
        metadata: dict[str, str] = {}
        if self.label is not None:
            line["metadata"] = metadata
            labels = cells[self.label]
        responses = cells[self.response]
        # One object for all of them: to make one for each takes longer than to write it.
        for prompt, response, label in zip(
            self.prompt.fill(cells), responses, labels, strict=False
        ):
            user["content"], assistant["content"], metadata["label"] = prompt, response, label
            yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def write_table(source: Path, out: Path, table: TableFormat, *, force: bool) -> int:
    """Write each row of `source` as a chat line to `out`; how many there are.

    Raises:
        InvalidInputError: a column is unknown, a cell that is used is empty, there is no row, or
            `out` exists and `force` is off. Nothing is written then.
    """
    written = 0
    with replacing(out, force=force) as stream:
        for cells in _full_cells(read_rows(source), table.columns):
            stream.writelines(table.chat_lines(cells))
            written += len(cells[table.response])
        if not written:
            raise InvalidInputError(f"{source} has no rows", hint="name a table with rows")
    return written


def _full_cells(
    chunks: Iterable[Rows], columns: Mapping[str, str]
) -> Iterator[Mapping[str, Sequence[str]]]:
    """The cells that are used, up to an empty one; all the empty ones are told of at the end."""
    empty: list[str] = []
    for rows in chunks:
        for column, option in columns.items():
            if column not in rows.cells:
                raise InvalidInputError(
                    f"{rows.place(0)}: no column {column!r}, which {option} names",
                    hint=f"the columns are: {', '.join(rows.cells)}",
                )
        cells = {column: rows.column(column) for column in columns}
        if not all(all(map(str.strip, column)) for column in cells.values()):
            empty.extend(_empty_cells(rows, cells))
        if not empty:
            yield cells
    if empty:
        more = f"; and {len(empty) - _LISTED} more" if len(empty) > _LISTED else ""
        raise InvalidInputError(
            f"{len(empty)} empty cells: {'; '.join(empty[:_LISTED])}{more}",
            hint="fill the cells, or take the rows out",
        )


def _empty_cells(rows: Rows, cells: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for place, row in enumerate(zip(*cells.values(), strict=True)):
        for column, cell in zip(cells, row, strict=True):
            if not cell.strip():
                yield f"{rows.place(place)} has an empty {column!r}"

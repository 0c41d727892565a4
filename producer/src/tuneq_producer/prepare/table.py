"""Rows of a table as chat lines, by a prompt template and a response column."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuneq_producer.prepare.files import replacing
from tuneq_producer.prepare.json_texts import json_text, json_texts
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

    def chat_lines(self) -> Template:
        """A row's chat line, to be filled with cells as JSON texts."""
        system = "" if self.system is None else f"{_message('system', json_text(self.system))},"
        first, *rest = map(json_text, self.prompt.texts)
        before, after = _message("user", "|").split("|")
        answered, end = f",{_message('assistant', '|')}]".split("|")
        *between, last = [f'{{"messages":[{system}{before}{first}', *rest]
        texts = [*between, f"{last}{after}{answered}"]
        columns = [*self.prompt.columns, self.response]
        if self.label is not None:
            texts.append(f'{end},"metadata":{{"label":"')
            columns.append(self.label)
            end = '"}'
        return Template((*texts, f"{end}}}\n"), tuple(columns))


def write_table(source: Path, out: Path, table: TableFormat, *, force: bool) -> int:
    """Write each row of `source` as a chat line to `out`; how many there are.

    Raises:
        InvalidInputError: a column is unknown, a cell that is used is empty, there is no row, or
            `out` exists and `force` is off. Nothing is written then.
    """
    written = 0
    lines = table.chat_lines()
    with replacing(out, force=force) as stream:
        for cells in _full_cells(read_rows(source), table.columns):
            texts = {name: json_texts(column) for name, column in cells.items()}
            stream.write(lines.fill(texts).encode())
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
            if column not in rows.names:
                raise InvalidInputError(
                    f"{rows.place(0)}: no column {column!r}, which {option} names",
                    hint=f"the columns are: {', '.join(rows.names)}",
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


def _message(role: str, content: str) -> str:
    return f'{{"role":"{role}","content":"{content}"}}'

"""A table: columns of a kind each, and rows that may be read but once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

Source = TypeVar("Source")
Cell = str | int | float | bool | datetime | None
Kind = type[str] | type[int] | type[float] | type[bool] | type[datetime]


@dataclass(frozen=True, slots=True)
class Column(Generic[Source]):
    """A column, and how its cell is got of what a row is about."""

    name: str
    kind: Kind
    of: Callable[[Source], Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, as many as there are columns. An empty cell is not known."""

    name: str
    kinds: dict[str, Kind]
    rows: Iterable[tuple[Cell, ...]]


def table_of(name: str, columns: Sequence[Column[Source]], sources: Iterable[Source]) -> Table:
    """A row for each source, made when it is asked for."""
    kinds = {column.name: column.kind for column in columns}
    return Table(name, kinds, (tuple(column.of(each) for column in columns) for each in sources))


def low(interval: tuple[float, float] | None) -> float | None:
    """The lower end, where there is an interval."""
    return interval[0] if interval else None


def high(interval: tuple[float, float] | None) -> float | None:
    """The upper end, where there is an interval."""
    return interval[1] if interval else None

"""Tables as cells, for whoever draws them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A heading; figures stand to the right."""

    heading: str
    figures: bool = True


@dataclass(frozen=True, slots=True)
class CellTable:
    """A table of texts."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


_WORDS = (
    "use",
    "reference",
    "sha256",
    "name",
    "role",
    "model",
    "run",
    "baseline",
    "stage",
    "reason",
    "setting",
    "A",
    "B",
)


def cell_table(title: str, headings: Sequence[str], rows: Sequence[tuple[str, ...]]) -> CellTable:
    """The table of these rows; some headings are known to stand over words."""
    columns = tuple(Column(heading, heading not in _WORDS) for heading in headings)
    return CellTable(title, columns, tuple(rows))

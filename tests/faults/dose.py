"""How much of a row is run, and where."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Dose:
    """The load of one row."""

    folder: Path  # empty
    runs: int
    scale: float  # 1 is the full load

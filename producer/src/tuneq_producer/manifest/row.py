"""One row of a manifest."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """What stands in a row, before it is known to be a request."""

    place: str  # as shown: the row's number from 1, and the file and line where they are known
    value: Any
    fault: str = ""  # why it could not be read

    def told(self, what: str) -> str:
        """A sentence about this row."""
        return f"{self.place}: {what}" if self.place else what

"""How often short values come: the classes of a dataset."""

from collections import Counter
from collections.abc import Sequence

_MAX_VALUES = 200
_MAX_CHARACTERS = 80


class Distribution:
    """Counts values as long as they look like classes: short, and no more than 200 of them."""

    def __init__(self) -> None:
        self._counts: Counter[str] | None = Counter()

    def add(self, values: Sequence[str]) -> None:
        """Count values; the first that is long, or one too many, ends the counting."""
        if self._counts is None:
            return
        self._counts.update(values)
        longest = max(map(len, set(values)), default=0)
        if len(self._counts) > _MAX_VALUES or longest > _MAX_CHARACTERS:
            self._counts = None

    def counts(self) -> dict[str, int]:
        """Each value's count, the commonest first; empty where the values are no classes."""
        return dict(self._counts.most_common()) if self._counts else {}

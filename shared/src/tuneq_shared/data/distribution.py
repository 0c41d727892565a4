"""How often short values come: the classes of a dataset."""

from collections import Counter

_MAX_VALUES = 200
_MAX_CHARACTERS = 80


class Distribution:
    """Counts values as long as they look like classes: short, and no more than 200 of them."""

    def __init__(self) -> None:
        self._counts: Counter[str] | None = Counter()

    def add(self, value: str) -> None:
        """Count a value; the first that is long, or one too many, ends the counting."""
        if self._counts is None:
            return
        self._counts[value] += 1
        if len(value) > _MAX_CHARACTERS or len(self._counts) > _MAX_VALUES:
            self._counts = None

    def counts(self) -> dict[str, int]:
        """Each value's count, the commonest first; empty where the values are no classes."""
        return dict(self._counts.most_common()) if self._counts else {}

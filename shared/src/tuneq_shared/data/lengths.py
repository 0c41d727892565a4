"""How long examples are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from tuneq_shared.data.tokens import tokens_of_characters

_MOST_SIZES = 50_000
_KEPT_BITS = 9
_PARTS = {"min": 0.0, "p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}


class Lengths:
    """Counts examples by their characters.

    Where there are very many lengths, those beyond some are rounded by less than half a percent;
    the sums stay exact.
    """

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._rounded: Counter[int] = Counter()
        self._characters = self._tokens = 0

    def add(self, sizes: Sequence[int]) -> None:
        """Count examples of so many characters each."""
        self._counts.update(sizes)
        if len(self._counts) > _MOST_SIZES:
            self._round()

    @property
    def characters(self) -> int:
        """Of all examples."""
        return self._characters + _characters(self._counts)

    @property
    def tokens(self) -> int:
        """Of all examples, estimated by characters."""
        return self._tokens + _tokens(self._counts)

    def spread(self, tokens: int) -> dict[str, Any] | None:
        """Quantiles of the tokens of an example, their mean, and a histogram; none of no examples.

        Args:
            tokens: of all examples. Each has a share of them by its characters.
        """
        sizes = sorted((self._counts + self._rounded).items())
        if not sizes:
            return None
        count, characters = sum(n for _, n in sizes), max(self.characters, 1)
        ends = list(accumulate(n for _, n in sizes))
        share = tokens / characters
        quantiles = {
            name: next(
                size for (size, _), end in zip(sizes, ends, strict=True) if end > part * (count - 1)
            )
            for name, part in _PARTS.items()
        }
        quantiles["max"] = sizes[-1][0]
        in_tokens = [(max(round(size * share), 1), n) for size, n in sizes]
        return {
            **{name: max(round(size * share), 1) for name, size in quantiles.items()},
            "mean": round(tokens / count, 1),
            "histogram": _histogram(in_tokens),
        }

    def _round(self) -> None:
        self._characters += _characters(self._counts)
        self._tokens += _tokens(self._counts)
        for size, count in self._counts.items():
            spare = max(size.bit_length() - _KEPT_BITS, 0)
            self._rounded[size >> spare << spare] += count
        self._counts.clear()


def _histogram(sizes: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    """How many examples there are from each power of two up to the next."""
    counts: Counter[int] = Counter()
    for size, count in sizes:
        counts[size.bit_length() - 1] += count
    return [
        {"from": 1 << power, "to": (2 << power) - 1, "examples": counts[power]}
        for power in range(min(counts), max(counts) + 1)
    ]


def _characters(counts: Mapping[int, int]) -> int:
    return sum(size * count for size, count in counts.items())


def _tokens(counts: Mapping[int, int]) -> int:
    return sum(tokens_of_characters(size) * count for size, count in counts.items())

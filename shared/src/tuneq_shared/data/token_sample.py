"""The tokens of many examples, counted in some and estimated from these for all."""

import math
from collections.abc import Callable, Sequence
from random import Random

from tuneq_shared.data.vocabularies import count_tokens

SAMPLED = 1000
"""Up to so many examples are all counted."""

# OpenAI's cookbook, "How to count tokens with tiktoken": three for what encloses a message and one
# for its role, and three at the end.
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_EXAMPLE = 3
_STANDARD_ERRORS = 3


class TokenSample:
    """A random sample of a stream of examples, the same for the same stream.

    The reservoir of Li 1994, "Reservoir-sampling algorithms of time complexity O(n(1 + log(N/n)))",
    algorithm L: it knows how many examples to pass over, so that most cost nothing.
    """

    def __init__(self, vocabulary: str) -> None:
        self._vocabulary = vocabulary
        self._random = Random(0)
        self._kept: list[Sequence[str]] = []
        self._seen = self._next = 0
        self._weight = 1.0

    @property
    def method(self) -> str:
        """How the tokens are counted."""
        if self._seen <= SAMPLED:
            return self._vocabulary
        return f"{self._vocabulary}, estimated from {SAMPLED:,} lines"

    def offer(self, count: int, texts: Callable[[int], Sequence[str]]) -> None:
        """Let `count` examples pass; the texts of the messages are asked for those that are taken.

        Args:
            count: of the examples.
            texts: from an example's place among them, from 0, to its texts.
        """
        while self._next < self._seen + count:
            taken = texts(self._next - self._seen)
            self._next += 1
            if len(self._kept) < SAMPLED:
                self._kept.append(taken)
            else:
                self._kept[self._random.randrange(SAMPLED)] = taken
            if len(self._kept) == SAMPLED:
                self._pass_over()
        self._seen += count

    def tokens(self, characters: int) -> int:
        """Of all that passed, which had so many characters: counted, or no less than likely.

        An estimate is the upper end of an interval of three standard errors of the ratio of tokens
        to characters (Cochran 1977, "Sampling Techniques", chapter 6), for budgets are kept by it.
        """
        counts = [self._count(texts) for texts in self._kept]
        if self._seen <= SAMPLED:
            return sum(counts)
        sizes = [sum(map(len, texts)) for texts in self._kept]
        ratio = sum(counts) / sum(sizes)
        squares = sum((n - ratio * size) ** 2 for n, size in zip(counts, sizes, strict=True))
        error = math.sqrt(squares / (SAMPLED - 1) / SAMPLED) / (sum(sizes) / SAMPLED)
        return math.ceil((ratio + _STANDARD_ERRORS * error) * characters)

    def _count(self, texts: Sequence[str]) -> int:
        counted = sum(count_tokens(text, self._vocabulary) for text in texts)
        return counted + _TOKENS_PER_MESSAGE * len(texts) + _TOKENS_PER_EXAMPLE

    def _pass_over(self) -> None:
        self._weight *= math.exp(math.log(1 - self._random.random()) / SAMPLED)
        self._next += int(math.log(1 - self._random.random()) / math.log1p(-self._weight))

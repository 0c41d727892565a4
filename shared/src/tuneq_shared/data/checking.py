"""What is checked, and by what."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tuneq_shared.data.codes import Problem
from tuneq_shared.data.preference_lines import pair_problems
from tuneq_shared.data.rules import Use, line_problems

LISTED_PER_CODE = 20
"""How many findings of one code are listed for one file, unless more are asked for."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to check, opened by the caller."""

    name: str
    """As it is to be shown."""
    lines: Iterable[bytes]
    """Gone through once, and once more where some may be alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """What holds for one check in all its files."""

    strict: bool
    max_example_tokens: int | None
    train_name: str
    vocabulary: str | None = None
    """By which tokens are counted; without it they are estimated by characters."""
    context_tokens: int | None = None
    """How long an example the model is known to take: a longer one is warned of."""
    pairs: bool = False
    """Training and validation files hold preference pairs."""
    listed: int = LISTED_PER_CODE
    """How many findings of one code are listed for one file."""

    def problems(self, line: Any, use: Use) -> Iterator[Problem]:
        """All that is wrong with a parsed line, in the format that its use has."""
        if self.pairs and use is not Use.EVALUATION:
            return pair_problems(line)
        return line_problems(line, use)

    @property
    def shortest_limit(self) -> int | None:
        """The tokens up to which there is nothing to say of an example's length."""
        limits = (self.max_example_tokens, self.context_tokens)
        return min((limit for limit in limits if limit is not None), default=None)

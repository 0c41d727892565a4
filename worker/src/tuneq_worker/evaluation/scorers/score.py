"""What a scorer says of an answer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.errors import InvalidInputError
from tuneq_worker.evaluation.samples import Sample


class Score(NamedTuple):
    """What an answer is worth, and what was read from it."""

    outcome: Outcome
    parsed: str | None
    fields: Mapping[str, bool] | None = None
    """Whether each field of the target was right, by its path, where it has any."""


Scorer = Callable[[str, Sample], Score]

UNPARSED = Score(Outcome.UNPARSED, None)


class ScorerError(Exception):
    """A scorer could not judge an answer: that says nothing about the answer."""


class UnusableScorerError(InvalidInputError):
    """This worker has no such scorer, or cannot make it of its options."""

    code = "unusable_scorer"


def judged(*, right: bool, parsed: str | None) -> Score:
    """The score of an answer that could be read."""
    return Score(Outcome.CORRECT if right else Outcome.WRONG, parsed)

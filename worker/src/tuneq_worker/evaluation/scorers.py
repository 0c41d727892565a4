"""Scorers: from an answer to an outcome. They never guess."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tuneq_shared.domain.evaluation import Outcome
from tuneq_worker.evaluation.samples import Sample

_LETTER = re.compile(r"\(?([A-Z])\)?[.:)]?")
_STATED = re.compile(r"answer is \(?([A-Z])\b")


@dataclass(frozen=True, slots=True)
class Score:
    """What an answer is worth, and what was read from it."""

    outcome: Outcome
    parsed: str | None


Scorer = Callable[[str, Sample], Score]


def score_choice(answer: str, sample: Sample) -> Score:
    """Multiple choice: the letter that the answer gives, against the target's."""
    parsed = parse_choice(answer, sample.choices)
    if parsed is None:
        return _UNPARSED
    return _verdict(parsed, parse_choice(sample.target, sample.choices))


def score_exact(answer: str, sample: Sample) -> Score:
    """The answer, stripped, is the target, stripped."""
    return _verdict(answer.strip(), sample.target.strip())


def parse_choice(answer: str, choices: tuple[str, ...]) -> str | None:
    """The one letter that an answer gives, or none.

    In this order: a bare letter as in "B", "(B)" or "B."; one letter after "answer is"; the exact
    text of one option. A letter past the options is none. Without options any letter is taken.
    """
    letters = _letters(answer)
    if not letters:
        text = answer.strip()
        letters = tuple(
            chr(ord("A") + place) for place, option in enumerate(choices) if option.strip() == text
        )
    if len(letters) != 1:
        return None
    (letter,) = letters
    return None if choices and ord(letter) - ord("A") >= len(choices) else letter


@lru_cache(maxsize=4096)
def _letters(answer: str) -> tuple[str, ...]:
    """The distinct letters that an answer gives as such, whatever the options are."""
    bare = _LETTER.fullmatch(answer.strip())
    return (bare[1],) if bare else tuple(set(_STATED.findall(answer.strip())))


def _verdict(parsed: str, target: str | None) -> Score:
    return _score(parsed, parsed == target)


@lru_cache(maxsize=4096)  # the answers of an evaluation repeat, and so do their scores
def _score(parsed: str, is_target: bool) -> Score:
    return Score(Outcome.CORRECT if is_target else Outcome.WRONG, parsed)


_UNPARSED = Score(Outcome.UNPARSED, None)

SCORERS: Mapping[str, Scorer] = {"choice": score_choice, "exact": score_exact}
"""The scorers that a request may name."""

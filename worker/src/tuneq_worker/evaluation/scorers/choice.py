"""The scorer `choice`: multiple choice."""

import re
from string import ascii_uppercase

from tuneq_shared.domain.evaluation import Outcome
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import UNPARSED, Score

_STATED = re.compile(r"answer is \(?([A-Z])\b")
_BARE = {
    f"{before}{letter}{bracket}{after}": letter
    for letter in ascii_uppercase
    for before in ("", "(")
    for bracket in ("", ")")
    for after in ("", ".", ":", ")")
}
_A = ord("A")
_CORRECT, _WRONG = Outcome.CORRECT, Outcome.WRONG
# Made once: there are few, and to make one takes a third of the time.
_RIGHT = {letter: Score(_CORRECT, letter) for letter in ascii_uppercase}
_MISSED = {letter: Score(_WRONG, letter) for letter in ascii_uppercase}


def score_choice(answer: str, sample: Sample) -> Score:
    """The letter that the answer gives, against the target's."""
    choices = sample.choices
    parsed = _BARE.get(answer)
    if parsed is None or ord(parsed) - _A >= len(choices):
        parsed = parse_choice(answer, choices)
        if parsed is None:
            return UNPARSED
    target = sample.target
    if parsed == (_BARE.get(target) or parse_choice(target, choices)):
        return _RIGHT.get(parsed) or Score(_CORRECT, parsed)
    return _MISSED.get(parsed) or Score(_WRONG, parsed)


def parse_choice(answer: str, choices: tuple[str, ...]) -> str | None:
    """The one letter that an answer gives, or none.

    In this order: a bare letter as in "B", "(B)" or "B."; one letter after "answer is"; the exact
    text of one option. A letter past the options is none. Without options any letter is taken.
    """
    letter = _BARE.get(answer) or _letter_in(answer, choices)
    if letter is None or (choices and ord(letter) - _A >= len(choices)):
        return None
    return letter


def _letter_in(answer: str, choices: tuple[str, ...]) -> str | None:
    text = answer.strip()
    if letter := _BARE.get(text):
        return letter
    if "answer is " in text and (letters := _STATED.findall(text)):
        return letters[0] if len(letters) == 1 or len(set(letters)) == 1 else None
    places = [place for place, option in enumerate(choices) if option.strip() == text]
    return chr(_A + places[0]) if len(places) == 1 else None

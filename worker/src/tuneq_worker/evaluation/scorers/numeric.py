"""The scorer `numeric`: the number that an answer gives."""

import re
from decimal import Decimal

from tuneq_shared.domain.scoring import NumericOptions, Take
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import UNPARSED, Score, Scorer, judged
from tuneq_worker.evaluation.scorers.taking import taken

_GROUP = "[,_'\u2019\u00a0\u2009\u202f]"  # between thousands: comma, apostrophes, narrow spaces
_CURRENCY = "[$\u20ac\u00a3\u00a5]?+"
# Whatever looks like one number to a reader, each repetition without a way back: linear time.
_LOOKS_LIKE = re.compile(
    rf"(?<![\w.])[+\-\u2212]?+{_CURRENCY}"
    rf"(?:\d++(?:{_GROUP}\d++|\.\d++)*+|\.\d++)"
    r"(?:[eE][+\-\u2212]?\d++|[ ]?[x\u00d7*][ ]?10\^[+\-\u2212]?\d++)?+"
)
_NUMBER = re.compile(
    rf"([+\-\u2212]?){_CURRENCY}(\d{{1,3}}(?:({_GROUP})\d{{3}}(?:\3\d{{3}})*)?|\d*)(\.\d+)?"
    r"(?:(?:[eE]|[ ]?[x\u00d7*][ ]?10\^)([+\-\u2212]?\d{1,4}))?"
)
_MINUS = str.maketrans("\u2212", "-")


def numeric_scorer(options: NumericOptions) -> Scorer:
    """The answer's number is the target's, or as near as either tolerance allows."""
    absolute, share = Decimal(str(options.absolute)), Decimal(str(options.relative))

    def score(answer: str, sample: Sample) -> Score:
        number, target = read_number(answer, options.take), read_number(sample.target, options.take)
        if number is None:
            return UNPARSED
        right = number == target or (
            target is not None and abs(number - target) <= max(absolute, share * abs(target))
        )
        return judged(right=right, parsed=str(number))

    return score


def read_number(text: str, take: Take) -> Decimal | None:
    """The number that a text gives, or none.

    Signs, a point before decimals, thousands parted alike by commas, apostrophes, underscores or
    narrow spaces, and powers of ten as 1.5e3 or 1.5 x 10^3. What looks like a number and is none,
    as 1,23 or 1.2.3, leaves the whole text without one. A percent sign, a currency or a unit
    changes nothing; a digit behind a letter, as in B2, is a part of a name.
    """
    found = []
    for match in _LOOKS_LIKE.finditer(text):
        number = _number(match[0])
        if number is None:
            return None
        found.append(number)
    return taken(found, take)


def _number(text: str) -> Decimal | None:
    parts = _NUMBER.fullmatch(text)
    if parts is None:
        return None
    sign, whole, part, decimals, power = parts.groups()
    whole = whole.replace(part, "") if part else whole
    return Decimal(f"{sign}{whole}{decimals or ''}e{power or 0}".translate(_MINUS))

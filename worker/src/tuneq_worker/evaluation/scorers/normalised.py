"""The scorer `normalised`: the same words, however they are set."""

import unicodedata
from functools import lru_cache

from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import Score, judged

_BRACKETS_QUOTES_DASHES = frozenset({"Ps", "Pe", "Pi", "Pf", "Pd"})
_MARKS = frozenset(".,;:!?'\"`*_¿¡。、")
_BEFORE_NUMBERS = frozenset("-\u2212.,")


def score_normalised(answer: str, sample: Sample) -> Score:
    """The normalised answer is the normalised target."""
    parsed = normalised(answer)
    return judged(right=parsed == _known(sample.target), parsed=parsed)


def normalised(text: str) -> str:
    """A text without what setting it otherwise would change.

    Unicode's NFKC and case folding; words are what white space parts; from both ends of a word go
    brackets, quotation marks and dashes of any script, and these marks: . , ; : ! ? ' " ` * _ ¿ ¡
    and the Chinese stops. A dash, a point or a comma right before a digit stays: it belongs to a
    number. What is left of the words stands with one space between. Marks within a word stay, as in
    3.5 or don't.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = unicodedata.normalize("NFKC", folded).split()  # folding may take it out of its form
    return " ".join(filter(None, map(_bare, words)))


def _bare(word: str) -> str:
    start, end = 0, len(word)
    while end and _goes(word[end - 1]):
        end -= 1
    while start < end and _goes(word[start]) and not _is_number(word[start : start + 2]):
        start += 1
    return word[start:end]


def _goes(mark: str) -> bool:
    return mark in _MARKS or unicodedata.category(mark) in _BRACKETS_QUOTES_DASHES


def _is_number(two: str) -> bool:
    return two[0] in _BEFORE_NUMBERS and two[1:].isdecimal()


_known = lru_cache(maxsize=1024)(normalised)

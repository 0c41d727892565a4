"""Duplicates within the training file, and its overlap with the files that measure."""

from array import array
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from tuneq_shared.data.codes import Code
from tuneq_shared.data.rules import Texts

_ASCII_WHITESPACE = bytes(code for code in range(128) if chr(code).isspace())
_TO_SPACES = bytes.maketrans(_ASCII_WHITESPACE, b" " * len(_ASCII_WHITESPACE))


class Match(NamedTuple):
    """A training line that an other line repeats."""

    code: Code
    number: int
    """The line's number in the training file, from 1."""


def fold(text: str) -> bytes:
    """A text in one case, each run of whitespace one space, and none at either end.

    The zero bytes that part messages are ends, too.
    """
    if not text.isascii():
        text = " ".join(text.split())
    folded = text.casefold().encode().translate(_TO_SPACES)
    while b"  " in folded:
        folded = folded.replace(b"  ", b" ")
    return folded.replace(b" \0", b"\0").replace(b"\0 ", b"\0").strip()


class TrainingIndex:
    """The training lines seen so far, by 64-bit hashes that hold for this process only.

    A million lines hold a pair of equal hashes by accident with a probability of 3e-8. A line
    takes about 130 bytes, twice that with its inputs.
    """

    def __init__(self, *, with_inputs: bool) -> None:
        """Keep the inputs too where other files will be compared with them."""
        self._with_inputs = with_inputs
        self._numbers = array("Q")
        self._lines = array("q")
        self._inputs = array("q")
        self._by_folded_line: dict[int, int] = {}
        self._by_folded_inputs: dict[int, int] = {}
        self._repeated: dict[int, int] = {}  # lines whose folded form came more than once

    def add(self, number: int, messages: Texts) -> Match | None:
        """Take up a training line; the earlier line that it repeats, if there is one."""
        place = len(self._numbers)
        line = _line(messages)
        mark = hash(line)
        self._numbers.append(number)
        self._lines.append(mark)
        if self._with_inputs:
            inputs = _inputs(messages)
            self._inputs.append(hash(inputs))
            self._by_folded_inputs.setdefault(hash(fold(inputs)), place)
        first = self._by_folded_line.setdefault(hash(fold(line)), place)
        if first == place:
            return None
        self._repeated.setdefault(self._lines[first], first)
        same = self._repeated.setdefault(mark, place)
        if same == place:
            return Match(Code.DUPLICATE_NORMALISED, self._numbers[first])
        return Match(Code.DUPLICATE, self._numbers[same])

    def match(self, messages: Texts) -> Match | None:
        """The training line that a line of another file repeats, by its strongest likeness."""
        inputs = _inputs(messages)
        folded_inputs = hash(fold(inputs))
        if folded_inputs not in self._by_folded_inputs:
            return None  # every likeness includes this one
        line = _line(messages)
        likenesses = (
            (Code.OVERLAP_LINE, self._by_line, hash(line)),
            (Code.OVERLAP_INPUTS, self._by_inputs, hash(inputs)),
            (Code.OVERLAP_LINE_NORMALISED, self._by_folded_line, hash(fold(line))),
            (Code.OVERLAP_INPUTS_NORMALISED, self._by_folded_inputs, folded_inputs),
        )
        return next(
            Match(code, self._numbers[places[key]])
            for code, places, key in likenesses
            if key in places
        )

    @cached_property
    def _by_line(self) -> dict[int, int]:
        return _first_places(self._lines)

    @cached_property
    def _by_inputs(self) -> dict[int, int]:
        return _first_places(self._inputs)


def _line(messages: Texts) -> str:
    rejected = [messages.rejected] if messages.rejected else []
    return "\0".join(messages.roles + messages.texts + rejected)


def _inputs(messages: Texts) -> str:
    return "\0".join(messages.roles[:-1] + messages.texts[:-1])


def _first_places(keys: Sequence[int]) -> dict[int, int]:
    return dict(zip(reversed(keys), range(len(keys) - 1, -1, -1), strict=True))

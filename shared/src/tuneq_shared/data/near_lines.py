"""Lines that are nearly alike, found by the words that they share.

Texts are compared by the share of their shingles that they have in common: three words in a row, or
five characters where words are not parted by spaces (Broder 1997, "On the resemblance and
containment of documents"). Of each text the shingles of the smallest hashes are kept, which are a
random sample of them; two texts that are alike have one of the very smallest in common. What many
lines have, as a prompt's template, is left out.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

NEARLY = 0.8
"""Texts are nearly alike that share so much of their shingles."""

_SKETCH = 64  # texts with fewer shingles are compared by all of them
_KEYS = 3  # of texts that are nearly alike, 99 % and more have one of these in common
_WORDS, _CHARACTERS = 3, 5
_LONG_WORDS = 20
_COMMON = 0.2
_LEAST_COMMON = 10
_PER_KEY = 4
_MOST_KEPT = 100_000


class Near(NamedTuple):
    """A training line that another line nearly repeats."""

    number: int
    likeness: float


def shingles_of(text: str) -> set[int]:
    """The hashes of all that a text is compared by; they are the same in every process."""
    folded = text.casefold()
    words = folded.split()
    if len(folded) > _LONG_WORDS * len(words):
        units, width = list(map(ord, "".join(words))), _CHARACTERS
    else:
        units, width = list(map(crc32, map(str.encode, words))), _WORDS
    return set(map(hash, zip(*(units[start:] for start in range(width)), strict=False)))


def common_shingles(texts: Iterable[str]) -> set[int]:
    """What more than a fifth of some texts have."""
    counts: Counter[int] = Counter()
    seen = 0
    for text in texts:
        counts.update(shingles_of(text))
        seen += 1
    least = max(_COMMON * seen, _LEAST_COMMON)
    return {shingle for shingle, count in counts.items() if count > least}


def sketch_of(text: str, common: set[int]) -> list[int]:
    """The smallest of a text's shingles, less the common ones."""
    return sorted(shingles_of(text) - common)[:_SKETCH]


def keys_of_sketch(sketch: list[int]) -> list[int]:
    """By which sketches that may be alike are found."""
    return sketch[:_KEYS]


class NearIndex:
    """Training lines by their sketches, of those that share a key with another line.

    At most 100,000 are kept, each with some hundreds of bytes; later lines are still compared with
    these.
    """

    def __init__(self, shared: set[int]) -> None:
        self._shared = shared
        self._numbers = array("Q")
        self._sketches: list[array[int]] = []
        self._places: dict[int, list[int]] = {}

    def add(self, number: int, sketch: list[int]) -> Near | None:
        """Take up a training line; the earlier one that it nearly repeats, if there is one."""
        found = self.match(sketch)
        keys = [key for key in keys_of_sketch(sketch) if key in self._shared]
        if found is None and keys and len(self._numbers) < _MOST_KEPT:
            place = len(self._numbers)
            self._numbers.append(number)
            self._sketches.append(array("q", sketch))
            for key in keys:
                places = self._places.setdefault(key, [])
                if len(places) < _PER_KEY:
                    places.append(place)
        return found

    def match(self, sketch: list[int]) -> Near | None:
        """The training line that is most like this one, if they are nearly alike."""
        own, best = set(sketch), None
        candidates = {
            place for key in keys_of_sketch(sketch) for place in self._places.get(key, ())
        }
        for place in sorted(candidates):
            likeness = _likeness(own, self._sketches[place])
            if likeness >= NEARLY and (best is None or likeness > best.likeness):
                best = Near(self._numbers[place], likeness)
        return best


def _likeness(own: set[int], other: Sequence[int]) -> float:
    """The share of shingles that two texts have in common; exact where the sketches hold all.

    Of texts that are too little alike, an upper bound of it.
    """
    both = own.intersection(other)
    most = len(both) / min(_SKETCH, len(own) + len(other) - len(both))
    if most < NEARLY:
        return most
    smallest = sorted(own.union(other))[:_SKETCH]
    return sum(map(both.__contains__, smallest)) / len(smallest)

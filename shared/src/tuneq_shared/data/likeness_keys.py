"""Keys by which lines that may be alike are found, so that only these are compared with care."""

from collections import Counter
from collections.abc import Iterable, Sequence
from string import ascii_lowercase, ascii_uppercase

NO_KEY = -1
"""In the place of a line that is no example. Python's hashes are never -1."""

_SLOTS_PER_KEY = 16
_MOST_SLOT_BITS = 24
_BORDER = "\0"
_LOWER = bytes.maketrans(ascii_uppercase.encode(), ascii_lowercase.encode())
_ASCII_WHITESPACE = bytes(code for code in range(128) if chr(code).isspace())


def keys_of(inputs: Sequence[str]) -> Iterable[int]:
    """The 64-bit key of the joined input texts of each line; it holds for this process only.

    Lines whose inputs are equal, be it but for case and whitespace, have equal keys.
    """
    joined = _BORDER.join(inputs)
    if joined.isascii():
        folded = joined.encode().translate(_LOWER, _ASCII_WHITESPACE)
    else:
        folded = "".join(joined.split()).casefold().encode()
    texts = [folded] if len(inputs) == 1 else folded.split(_BORDER.encode())
    if len(texts) != len(inputs):  # a text has that character itself
        return [key for text in inputs for key in keys_of([text])]
    return map(hash, texts)


def alike(training: Sequence[int], others: Sequence[Sequence[int]]) -> set[int]:
    """The keys that training lines share with each other, or with lines of the other files.

    A set of all keys would take 70 bytes for each. So first only a byte is kept where a key falls
    among some slots, and what falls into a slot that is taken is looked at again.
    """
    slots = 1 << min(_MOST_SLOT_BITS, (_SLOTS_PER_KEY * len(training)).bit_length())
    taken, mask = bytearray(slots), slots - 1
    suspects: set[int] = set()
    for key in training:
        place = key & mask
        if taken[place]:
            suspects.add(key)
        else:
            taken[place] = 1
    for other in others:
        suspects.update([key for key in other if taken[key & mask]])
    suspects.discard(NO_KEY)
    counts = Counter(filter(suspects.__contains__, training))
    elsewhere = {key for other in others for key in other if key in suspects}
    return {key for key, count in counts.items() if count > 1 or key in elsewhere}

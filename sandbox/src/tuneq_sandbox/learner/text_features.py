"""Features of a free text: words, pairs of words and runs of three to five characters."""

import numpy as np

from tuneq_sandbox.learner.hashing import Hashes, cross, hash_words, mark, words

RUNS = (3, 4, 5)
_ALPHABET_SIZE = np.uint32(31)


def text_features(text: str, mask: int) -> Hashes:
    """The sorted, distinct feature indices of a text, each at most `mask`."""
    lowered = [word.lower() for word in words(text)]
    hashes = hash_words(lowered)
    line = f" {' '.join(lowered)} "
    letters = np.frombuffer(line.encode("utf-32-le"), np.uint32)
    parts = [mark("word", hashes), cross("pair", hashes[:-1], hashes[1:])]
    for length in RUNS:
        count = max(0, len(letters) - length + 1)
        run = np.zeros(count, np.uint32)
        for offset in range(length):
            run = run * _ALPHABET_SIZE + letters[offset : offset + count]
        parts.append(mark(f"run {length}", run))
    return np.unique(np.concatenate(parts) & np.uint32(mask))

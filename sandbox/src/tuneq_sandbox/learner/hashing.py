"""Words, and features as 32-bit hashes that numpy combines without building strings."""

import re
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
"""Hashes of features, one-dimensional."""

_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?|\d+(?:\.\d+)?|[^\w\s]|[^\W\dA-Za-z_]+")
_FIRST = np.uint32(0x9E3779B1)
_SECOND = np.uint32(0x85EBCA6B)
_FINAL = np.uint32(0xC2B2AE35)


def words(text: str) -> list[str]:
    """Words, numbers and single marks of a text, in order, in their own case."""
    return _WORD.findall(text)


@lru_cache(maxsize=1 << 16)
def hash_word(word: str) -> int:
    """A hash that is the same in every process (Python's own `hash` is salted)."""
    return zlib.crc32(word.encode())


def hash_words(items: list[str]) -> Hashes:
    """The hash of every word, in order."""
    return np.fromiter(map(hash_word, items), np.uint32, len(items))


def cross(kind: str, left: Hashes, right: Hashes) -> Hashes:
    """One feature for each pair of two equally long (or broadcastable) arrays, marked by `kind`.

    The finishing steps are those of MurmurHash3 (Appleby, 2011), so that low bits are well mixed.
    """
    mixed = (left * _FIRST) ^ ((right + np.uint32(hash_word(kind))) * _SECOND)
    mixed ^= mixed >> np.uint32(15)
    mixed *= _FINAL
    mixed ^= mixed >> np.uint32(13)
    return mixed


def mark(kind: str, hashes: Hashes) -> Hashes:
    """The same features under another name: a word of the question is not one of an option."""
    return cross(kind, hashes, np.zeros(1, np.uint32))

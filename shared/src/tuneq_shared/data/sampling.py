"""Nested random samples: a sample of 50 is the beginning of the sample of 100."""

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from heapq import nsmallest
from typing import TypeVar

from tuneq_shared.errors import InvalidInputError

T = TypeVar("T")
_KEY_BYTES = 8


def order_key(seed: int, index: int) -> bytes:
    """The place of an item in the permutation of a seed: 8 bytes, compared as they are.

    blake2b of the text `seed:index`, so that the order depends on nothing but the two numbers:
    not on the Python version, the platform or the number of items.
    """
    return blake2b(f"{seed}:{index}".encode(), digest_size=_KEY_BYTES).digest()


def first_of_permutation(items: Iterable[T], n: int, seed: int) -> list[T]:
    """The first `n` items in the order that one seeded permutation gives them.

    Streams: no more than `n` items are held. With `range(count)` for items, the result is the
    indices themselves.

    Raises:
        InvalidInputError: there are fewer than `n` items, or `n` is below 1.
    """
    _require_one(n)
    keyed = ((order_key(seed, index), index, item) for index, item in enumerate(items))
    sample = [item for _, _, item in nsmallest(n, keyed, key=lambda entry: entry[:2])]
    _require_enough(n, len(sample))
    return sample


def first_places(count: int, n: int, seed: int) -> "array[int]":
    """The same of `range(count)`, for samples of any size: 16 bytes are held for each of `count`.

    Raises:
        InvalidInputError: as `first_of_permutation`.
    """
    _require_one(n)
    _require_enough(n, count)
    # Parted by the key's first byte, so that only a part at a time is sorted as objects.
    parts = [bytearray() for _ in range(256)]
    for place in range(count):
        key = order_key(seed, place)
        parts[key[0]] += key + place.to_bytes(_KEY_BYTES)
    places = array("Q")
    for part in parts:
        entries = (part[at : at + 2 * _KEY_BYTES] for at in range(0, len(part), 2 * _KEY_BYTES))
        places.extend(int.from_bytes(entry[_KEY_BYTES:]) for entry in sorted(entries))
        if len(places) >= n:
            break
    return places[:n]


def _require_one(n: int) -> None:
    if n < 1:
        raise InvalidInputError(
            f"a sample of {n} was asked for", hint="ask for at least one sample"
        )


def _require_enough(n: int, count: int) -> None:
    if count < n:
        raise InvalidInputError(
            f"a sample of {n} was asked for, but there are only {count} lines",
            hint=f"ask for at most {count}",
        )

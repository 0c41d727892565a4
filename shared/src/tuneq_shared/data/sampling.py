"""Nested random samples: a sample of 50 is the beginning of the sample of 100."""

from collections.abc import Iterable
from hashlib import blake2b
from heapq import nsmallest
from typing import TypeVar

from tuneq_shared.errors import InvalidInputError

T = TypeVar("T")


def order_key(seed: int, index: int) -> bytes:
    """The place of an item in the permutation of a seed: 8 bytes, compared as they are.

    blake2b of the text `seed:index`, so that the order depends on nothing but the two numbers:
    not on the Python version, the platform or the number of items.
    """
    return blake2b(f"{seed}:{index}".encode(), digest_size=8).digest()


def first_of_permutation(items: Iterable[T], n: int, seed: int) -> list[T]:
    """The first `n` items in the order that one seeded permutation gives them.

    Streams: no more than `n` items are held. With `range(count)` for items, the result is the
    indices themselves; with `enumerate(lines)`, lines and their places.

    Raises:
        InvalidInputError: there are fewer than `n` items, or `n` is below 1.
    """
    if n < 1:
        raise InvalidInputError(
            f"a sample of {n} was asked for", hint="ask for at least one sample"
        )
    keyed = ((order_key(seed, index), index, item) for index, item in enumerate(items))
    sample = [item for _, _, item in nsmallest(n, keyed, key=lambda entry: entry[:2])]
    if len(sample) < n:
        raise InvalidInputError(
            f"a sample of {n} was asked for, but there are only {len(sample)} lines",
            hint=f"ask for at most {len(sample)}",
        )
    return sample

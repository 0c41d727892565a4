"""Which of several that were found in a text counts."""

from collections.abc import Sequence
from typing import TypeVar

from tuneq_shared.domain.scoring import Take

T = TypeVar("T")


def taken(found: Sequence[T], take: Take) -> T | None:
    """One of them, or none where there is none, or where only one may be and they differ."""
    if not found:
        return None
    if take == "only":
        return found[0] if all(each == found[0] for each in found) else None
    return found[0] if take == "first" else found[-1]

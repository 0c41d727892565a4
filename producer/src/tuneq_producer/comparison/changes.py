"""What two requests ask for differently."""

from collections.abc import Iterator
from typing import Any

_MISSING = object()
_SAYS_NOTHING = {"name", "group", "suffix", "labels", "priority", "budget_usd", "idempotency_key"}


def changes_between(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Settings that differ, each by its path with dots; none where one of them is at its default.

    What does not bear on the result is left out: names, suffix, labels, priority, budget and key.
    """
    mine, theirs = dict(_settings(first)), dict(_settings(second))
    return {
        path: (mine.get(path), theirs.get(path))
        for path in sorted({*mine, *theirs})
        if mine.get(path, _MISSING) != theirs.get(path, _MISSING)
    }


def _settings(request: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in request.items():
        if not above and name in _SAYS_NOTHING:
            continue
        if isinstance(value, dict):
            yield from _settings(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value

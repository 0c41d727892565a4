"""JSON values compared: as a whole, and field by field."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

MAX_DEPTH = 64


class NoJsonError(ValueError):
    """A text is no JSON, or nested too deeply to be compared."""


def read_json(text: str) -> Any:
    """The value; numbers to the last digit.

    Raises:
        NoJsonError: it is none.
    """
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refused)
        if "\\u" in text:  # half of a surrogate pair may be escaped, and no file can hold it
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise NoJsonError(str(error)) from error
    if _is_deeper(value, MAX_DEPTH):
        raise NoJsonError(f"nested deeper than {MAX_DEPTH} levels")
    return value


def json_fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of an object, those of objects in it by dotted paths; anything else has none."""
    if isinstance(value, dict):
        for name, part in value.items():
            inner = f"{path}.{name}" if path else name
            if isinstance(part, dict) and part:
                yield from json_fields(part, inner)
            else:
                yield inner, part


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are equal: 1 is 1.0, and is not true; objects have no order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _is_deeper(value: Any, levels: int) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return bool(parts) and (not levels or any(_is_deeper(part, levels - 1) for part in parts))

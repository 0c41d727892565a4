"""Views as JSON."""

from typing import Any

import orjson


def to_json(value: Any) -> bytes:
    """One line of JSON. Times are ISO 8601 in UTC."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)

"""What a refused request said, as it may be kept: cut to a bound, and without secrets."""

import re
from typing import Any

import orjson

from tuneq_shared.intake.secrets import FIELDS, without_secrets

MAX_KEPT = 4096
"""Characters of a request."""

MAX_REASON = 2048
"""Characters of a reason: a request may be wrong in a thousand places."""

_MAX_LEVELS = 16
_GONE = "***"
_SECRET = re.compile(r"key|token|secret|passw|authori[sz]ation|credential", re.IGNORECASE)
_NAMED = re.compile(
    rf"""([\w-]{{0,64}}(?:{_SECRET.pattern})[\w-]{{0,64}})["'\\]*\s*[:=]""", re.IGNORECASE
)


def kept_text(raw: bytes) -> str:
    """A request as it may be kept, whether it is JSON or not."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _without_names(_cut(raw[: MAX_KEPT * 4].decode(errors="replace"), MAX_KEPT))
    return kept_value(value)


def kept_value(value: Any) -> str:
    """A JSON value as it may be kept, as JSON."""
    return _cut(orjson.dumps(_without_secrets(value, _MAX_LEVELS)).decode(), MAX_KEPT)


def kept_reason(reason: str) -> str:
    """Words about a request, which may quote it."""
    return _cut(without_secrets(_cut(reason, MAX_REASON)), MAX_REASON)


def _without_secrets(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return _without_names(_cut(value, MAX_KEPT))
    if not isinstance(value, dict | list):
        return value
    if not levels:
        return "..."
    if isinstance(value, list):
        return [_without_secrets(part, levels - 1) for part in value]
    return {
        without_secrets(_cut(name, MAX_KEPT)): (
            _GONE if _is_secret(name) else _without_secrets(part, levels - 1)
        )
        for name, part in value.items()
    }


def _without_names(text: str) -> str:
    """Ends where a value begins that is named like a secret: where it ends can't be told."""
    for match in _NAMED.finditer(text):
        if _is_secret(match[1]):
            return without_secrets(text[: match.end()]) + _GONE
    return without_secrets(text)


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None and name not in FIELDS


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."

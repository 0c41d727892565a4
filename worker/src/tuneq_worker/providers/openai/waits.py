"""How long a provider asks to wait and what it has room for, read from an answer's headers."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tuneq_shared.ports.limits import Headroom, Told

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STEP = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by `retry-after-ms`, else by `retry-after` as seconds or as a date.

    Args:
        headers: By lower-case name, or looked up in any case.
        now: Unix time, to which a date is compared.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text)
    return seconds if seconds is not None else _until(text, now)


def reset_after(headers: Mapping[str, str], unit: str) -> float | None:
    """Seconds until a rate limit is whole again, by `x-ratelimit-reset-*`, else without a unit.

    Args:
        headers: By lower-case name, or looked up in any case.
        unit: `requests` or `tokens`, whichever ran out; with any other word, the later of both.
    """
    units = [unit] if unit in {"requests", "tokens"} else ["requests", "tokens"]
    waits = [parse_duration(headers.get(f"x-ratelimit-reset-{each}")) for each in units]
    known = [wait for wait in waits if wait is not None]
    return max(known, default=parse_duration(headers.get("x-ratelimit-reset")))


def read_headroom(headers: Mapping[str, str]) -> Headroom:
    """What `x-ratelimit-*` says of requests and tokens; what is not said is none."""
    return Headroom(requests=_told(headers, "requests"), tokens=_told(headers, "tokens"))


def parse_duration(text: str | None) -> float | None:
    """Seconds of a duration such as `20ms`, `1.5s`, `6m0s` or a bare number; else None."""
    if text is None:
        return None
    if re.fullmatch(rf"(?:{_STEP})+", text.strip()):
        return sum(float(count) * _UNITS[unit] for count, unit in re.findall(_STEP, text))
    return _number(text)


def _told(headers: Mapping[str, str], unit: str) -> Told | None:
    limit = _number(headers.get(f"x-ratelimit-limit-{unit}"))
    remaining = _number(headers.get(f"x-ratelimit-remaining-{unit}"))
    if limit is None or remaining is None:
        return None
    reset_s = parse_duration(headers.get(f"x-ratelimit-reset-{unit}"))
    return Told(limit=limit, remaining=remaining, reset_s=reset_s)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())

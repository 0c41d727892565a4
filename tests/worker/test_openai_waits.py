import pytest

from tuneq_shared.ports.limits import Headroom, Told
from tuneq_worker.providers.openai.waits import (
    parse_duration,
    read_headroom,
    reset_after,
    retry_after,
)

NOW = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 21 Sep 2026 14:14:00 GMT"}, 40.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:14:00 -0000"}, 40.0),
        ({"retry-after": "Mon, 21 Sep 2026 16:14:00 +0200"}, 40.0),
        ({"retry-after": "Mon, 21 Sep 2026 14:13:00 GMT"}, 0.0),
        ({"retry-after": "later"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("1.5s", 1.5),
        ("1h2m3s", 3723.0),
        ("2d", 172800.0),
        ("59.7", 59.7),
        ("soon", None),
        ("1s soon", None),
        ("", None),
        (None, None),
    ],
)
def test_duration(text: str | None, seconds: float | None) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("unit", "seconds"), [("requests", 1.0), ("tokens", 360.0), ("invalid_request_error", 360.0)]
)
def test_reset_of_what_ran_out(unit: str, seconds: float) -> None:
    headers = {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "6m0s"}
    assert reset_after(headers, unit) == seconds


def test_no_reset_without_headers() -> None:
    assert reset_after({}, "tokens") is None


def test_headroom_is_what_is_said_of_each_unit() -> None:
    headers = {
        "x-ratelimit-limit-requests": "3000",
        "x-ratelimit-remaining-requests": "2999",
        "x-ratelimit-reset-requests": "20ms",
        "x-ratelimit-limit-tokens": "250000",
        "x-ratelimit-remaining-tokens": "0",
    }
    assert read_headroom(headers) == Headroom(
        requests=Told(limit=3000, remaining=2999, reset_s=0.02),
        tokens=Told(limit=250_000, remaining=0),
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "3000"},
        {"x-ratelimit-remaining-requests": "3000"},
        {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "1"},
        {"x-ratelimit-limit-requests": "inf", "x-ratelimit-remaining-requests": "1"},
    ],
)
def test_half_a_word_is_none(headers: dict[str, str]) -> None:
    assert read_headroom(headers) == Headroom()

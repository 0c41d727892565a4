import pytest

from tuneq_sandbox.provider.config import RateLimit
from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.rate_limit import RateLimiter, format_duration


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.0123, "13ms"), (1, "1s"), (1.5, "1.5s"), (59.9, "59.9s"), (360, "6m0s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_both_buckets_or_neither() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(requests_per_minute=60, tokens_per_minute=600), clock)
    limiter.take("key", "model", 590)
    with pytest.raises(ApiError) as refused:
        limiter.take("key", "model", 20)
    assert refused.value.headers["retry-after-ms"] == "1000"
    assert refused.value.headers["x-ratelimit-remaining-requests"] == "59"
    clock.now += 1.0
    assert limiter.take("key", "model", 20)["x-ratelimit-remaining-tokens"] == "0"
    clock.now += 3600.0
    headers = limiter.take("key", "model", 0)
    assert headers["x-ratelimit-remaining-tokens"] == "600"
    assert headers["x-ratelimit-reset-tokens"] == "0ms"


def test_the_burst_bounds_what_is_saved_up() -> None:
    clock = Clock()
    limiter = RateLimiter(RateLimit(requests_per_minute=60, burst_s=5), clock)
    for _ in range(5):
        limiter.take("key", "model", 1)
    with pytest.raises(ApiError):
        limiter.take("key", "model", 1)
    clock.now += 0.5
    with pytest.raises(ApiError) as refused:
        limiter.take("key", "model", 1)
    assert refused.value.headers["retry-after"] == "1"
    assert refused.value.headers["retry-after-ms"] == "500"

"""Token buckets for each key and model, told in headers as OpenAI tells them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tuneq_sandbox.provider.config import RateLimit
from tuneq_sandbox.provider.errors import ApiError

SECONDS_A_MINUTE = 60.0


@dataclass(slots=True)
class Bucket:
    """Fills at a steady rate up to its capacity; may hold fractions."""

    unit: str
    """`requests` or `tokens`, as in the headers."""
    per_minute: float
    capacity: float
    level: float
    updated: float
    """Seconds on the limiter's clock."""

    def refill(self, now: float) -> None:
        """Add what flowed in since the last look."""
        gained = (now - self.updated) * self.per_minute / SECONDS_A_MINUTE
        self.level = min(self.capacity, self.level + gained)
        self.updated = now

    def wait(self, amount: float) -> float:
        """Seconds until so much is there; infinite when the bucket never holds it."""
        if amount > self.capacity:
            return math.inf
        return max(0.0, (amount - self.level) * SECONDS_A_MINUTE / self.per_minute)

    def headers(self) -> dict[str, str]:
        """Limit, what remains, and the time until the bucket is full."""
        return {
            f"x-ratelimit-limit-{self.unit}": str(math.floor(self.per_minute)),
            f"x-ratelimit-remaining-{self.unit}": str(max(0, math.floor(self.level))),
            f"x-ratelimit-reset-{self.unit}": format_duration(self.wait(self.capacity)),
        }


class RateLimiter:
    """Takes from both buckets of a key and model, or from neither."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._buckets: dict[tuple[str, str], list[Bucket]] = {}

    def take(self, key: str, model: str, tokens: int) -> dict[str, str]:
        """Take one request and its tokens; gives the headers of the answer.

        Raises:
            ApiError: 429 `rate_limit_exceeded`; nothing was taken.
        """
        now = self._clock()
        buckets = self._buckets.get((key, model))
        if buckets is None:
            buckets = self._buckets[key, model] = self._full(now)
        amounts = {"requests": 1, "tokens": tokens}
        headers: dict[str, str] = {}
        for bucket in buckets:
            bucket.refill(now)
        for bucket in buckets:
            wait = bucket.wait(amounts[bucket.unit])
            if wait > 0:
                for each in buckets:
                    headers.update(each.headers())
                raise _refusal(bucket, model, amounts[bucket.unit], wait, headers)
        for bucket in buckets:
            bucket.level -= amounts[bucket.unit]
            headers.update(bucket.headers())
        return headers

    def _full(self, now: float) -> list[Bucket]:
        rates = {
            "requests": self._limit.requests_per_minute,
            "tokens": self._limit.tokens_per_minute,
        }
        buckets = []
        for unit, rate in rates.items():
            if rate is not None:
                capacity = max(1.0, rate * self._limit.burst_s / SECONDS_A_MINUTE)
                buckets.append(Bucket(unit, rate, capacity, capacity, now))
        return buckets


def format_duration(seconds: float) -> str:
    """As OpenAI writes it: `12ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < SECONDS_A_MINUTE:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s"


def _refusal(
    bucket: Bucket, model: str, amount: float, wait: float, headers: dict[str, str]
) -> ApiError:
    used = max(0, math.ceil(bucket.capacity - bucket.level))
    message = (
        f"Rate limit reached for {model} on {bucket.unit} per min: "
        f"Limit {math.floor(bucket.per_minute)}, Used {used}, Requested {math.ceil(amount)}."
    )
    if math.isinf(wait):
        message = f"Request too large for {model}: {message}"
    else:
        message += f" Please try again in {format_duration(wait)}."
        headers["retry-after"] = str(math.ceil(wait))
        headers["retry-after-ms"] = str(math.ceil(wait * 1000))
    return ApiError(429, message, kind=bucket.unit, code="rate_limit_exceeded", headers=headers)

"""What the slots and the limiter have learnt, read without a script: a look may be a little off."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from redis import Redis

from tuneq_shared.ports.learnt import Learnt, ModelRates, Places

_MINUTE_MS = 60_000
_AT_ONCE = 1000


class RedisLearntBook:
    """`LearntBook` on Redis."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client: Any = client
        self._slots = f"{prefix}:slots:"
        self._limits = f"{prefix}:limits:"
        # Of limits and slots, and of little else.
        self._pattern = f"{prefix}:[ls]*"

    def read(self) -> dict[str, Learnt]:
        """One walk through the keys."""
        pools, buckets = [], []
        for key in self._client.scan_iter(self._pattern, _AT_ONCE, _type="hash"):
            if key.startswith(self._slots) and key.endswith(":learnt"):
                pools.append(key.removeprefix(self._slots).removesuffix(":learnt"))
            elif key.startswith(self._limits) and not key.endswith(":askers"):
                buckets.append(key.removeprefix(self._limits))
        places, rates = self._places(sorted(pools)), self._rates(sorted(buckets))
        return {
            name: Learnt(tuple(places.get(name, ())), tuple(rates.get(name, ())))
            for name in sorted({*places, *rates})
        }

    def _places(self, pools: Iterable[str]) -> Mapping[str, list[Places]]:
        found = defaultdict(list)
        now_ms = self._client.time()[0] * 1000
        for pool in pools:
            key, pipe = f"{self._slots}{pool}", self._client.pipeline(transaction=False)
            pipe.hget(f"{key}:learnt", "cap").scard(f"{key}:held").zcard(f"{key}:line")
            cap, ours, waiting, seen = pipe.hmget(f"{key}:seen", "others", "until").execute()
            others, until = (float(said or 0) for said in seen)
            account, _, model = pool.partition("/")
            found[account].append(
                Places(
                    model=model,
                    learnt=None if cap is None else int(float(cap)),
                    ours=ours,
                    others=int(others) if until > now_ms else 0,
                    waiting=waiting,
                )
            )
        return found

    def _rates(self, buckets: Iterable[str]) -> Mapping[str, list[ModelRates]]:
        found = defaultdict(list)
        for bucket in buckets:
            fields = self._client.hmget(
                f"{self._limits}{bucket}", "requests:said", "tokens:said", "found"
            )
            requests, tokens, per_ms = (None if said is None else float(said) for said in fields)
            if requests is None and per_ms is not None:
                requests = per_ms * _MINUTE_MS
            account, _, model = bucket.partition("/")
            found[account].append(
                ModelRates(model=model, requests_per_minute=requests, tokens_per_minute=tokens)
            )
        return found

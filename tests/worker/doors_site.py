"""A data root, an account, and the request stream as a run worker reads it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.request import MAX_REQUEST_BYTES
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.requests import (
    GROUP,
    RedisRequestStream,
    rejected_key,
    requests_key,
    send_request,
)
from tuneq_shared.settings import Account, Settings
from tuneq_worker.doors.taking import RequestTaker

HOUR_S = 3600.0


class Site:
    """Everything that the doors touch; `root` is the data root's folder."""

    def __init__(self, redis_url: str, prefix: str, folder: Path) -> None:
        self.redis: Any = connect(redis_url)
        self.prefix = prefix
        self.folder = folder
        self.root = folder / "root"
        self.allowed = folder / "allowed"
        self.root.mkdir(parents=True, exist_ok=True)
        self.allowed.mkdir(exist_ok=True)
        for place in (self.root, self.allowed):
            (place / "t.jsonl").write_text("{}\n")
        self.catalogue = RedisCatalogue(self.redis, prefix)
        self.fleet = RedisFleet(self.redis, prefix)
        self.data = DataRoot(str(self.root), [str(self.allowed)])
        self.data.settle(self.fleet)

    def taker(
        self,
        name: str = "me",
        *,
        idle_s: float = HOUR_S,
        longest: int = MAX_REQUEST_BYTES,
        **parts: Any,
    ) -> RequestTaker:
        account = Account(base_url="https://example.org")
        settings = Settings(
            accounts={"main": account}, default_account="main", max_request_bytes=longest
        )
        taker = RequestTaker(
            stream=RedisRequestStream(self.redis, self.prefix, name, longest=longest),
            items=RedisItems(self.redis, self.prefix),
            catalogue=self.catalogue,
            data=self.data,
            fleet=self.fleet,
            settings=settings,
            idle_s=idle_s,
        )
        return replace(taker, **parts)

    def send(self, request: Any) -> None:
        text = request if isinstance(request, bytes) else json.dumps(request).encode()
        send_request(self.redis, self.prefix, text)

    def take_all(self, taker: RequestTaker | None = None) -> None:
        taker = taker or self.taker()
        while taker.take_in(lambda: False):
            pass

    def rejected(self) -> list[dict[str, str]]:
        return [told for _, told in self.redis.xrange(rejected_key(self.prefix))]

    def names(self) -> list[str]:
        """Of the runs that are there, in order of creation."""
        runs = self.catalogue.run_ids()
        return [self.redis.hget(f"{self.prefix}:item:run:{run}", "name") for run in runs]

    def left(self) -> int:
        return int(self.redis.xlen(requests_key(self.prefix)))

    def pending(self) -> int:
        return int(self.redis.xpending(requests_key(self.prefix), GROUP)["pending"])


def request(name: str, **fields: Any) -> dict[str, Any]:
    return {"model": "m", "training_file": "data:t.jsonl", "name": name, **fields}

"""The registry of workers, the models that they see, and the data root's id."""

from typing import Any

import orjson
from pydantic import TypeAdapter
from redis import Redis

from tuneq_shared.ports.fleet import ModelList, WorkerInfo

_WORKER = TypeAdapter(WorkerInfo)
_MODELS = TypeAdapter(ModelList)


class RedisFleet:
    """`Fleet` on Redis."""

    def __init__(self, client: Redis, prefix: str) -> None:
        # Redis-py types the answers of its sync and async clients as one.
        self._client: Any = client
        self._workers = f"{prefix}:workers"
        self._models = f"{prefix}:models"
        self._root = f"{prefix}:root"

    def heartbeat(self, worker: WorkerInfo) -> None:
        """Write the worker's words with the present Redis time."""
        said = {**_WORKER.dump_python(worker, mode="json"), "seen_at": self.now()}
        self._client.hset(self._workers, worker.name, orjson.dumps(said))

    def farewell(self, name: str) -> None:
        """Strike the worker off."""
        self._client.hdel(self._workers, name)

    def workers(self) -> list[WorkerInfo]:
        """By name."""
        said = sorted(self._client.hgetall(self._workers).items())
        return [_WORKER.validate_json(words) for _, words in said]

    def tell_models(self, account: str, models: ModelList) -> None:
        """One field an account."""
        self._client.hset(self._models, account, _MODELS.dump_json(models))

    def models(self) -> dict[str, ModelList]:
        """All fields."""
        said = self._client.hgetall(self._models).items()
        return {account: _MODELS.validate_json(words) for account, words in said}

    def now(self) -> float:
        """Redis TIME."""
        seconds, micros = self._client.time()
        return float(seconds + micros / 1e6)

    def claim_root(self, root: str) -> str:
        """SET NX, then read."""
        self._client.set(self._root, root, nx=True)
        return str(self._client.get(self._root))

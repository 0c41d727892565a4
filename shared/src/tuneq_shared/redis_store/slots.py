"""The slots of an account, corrected in one Lua script and so atomically."""

from collections.abc import Iterable
from itertools import chain

from redis import Redis

from tuneq_shared.ports.slots import ActiveJob
from tuneq_shared.redis_store.scripts import load_scripts


class RedisSlotBook:
    """`SlotBook` on Redis."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._prefix = prefix
        self._scripts = load_scripts(client)

    def watched(self, account: str) -> list[str] | None:
        """The jobs to keep an eye on."""
        answer: list[str] | None = self._scripts["watched"](args=[self._prefix, account])
        return answer

    def in_line(self, account: str) -> int:
        """How many wait."""
        answer: int = self._scripts["in_line"](args=[self._prefix, account])
        return answer

    def observe(self, account: str, active: Iterable[ActiveJob], for_s: float) -> None:
        """Correct all pools of the account at once."""
        told = chain.from_iterable((job.id, str(job.item or ""), job.model) for job in active)
        self._scripts["observe"](args=[self._prefix, account, round(for_s * 1000), *told])

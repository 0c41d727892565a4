"""What has a due time: its kinds, its id, and where its hints go."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """The kinds of item. An item parks only on a kind further down, so no circle can form."""

    RUN = "run"
    EVALUATION = "evaluation"
    UPLOAD = "upload"
    SHARD = "shard"
    DEPLOYMENT = "deployment"
    ACCOUNT = "account"


PARKING_ORDER = tuple(Kind)


class Queue(StrEnum):
    """The Celery queues; each item kind is worked on by one of them."""

    RUNS = "runs"
    EVALUATION = "evaluation"


QUEUE_OF = dict.fromkeys(Kind, Queue.RUNS) | {Kind.SHARD: Queue.EVALUATION}


@dataclass(frozen=True, slots=True, order=True)
class ItemId:
    """An item's kind and key, written `kind:key`."""

    kind: Kind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            ValueError: no such kind, or no key.
        """
        kind, _, key = text.partition(":")
        if not key:
            raise ValueError(f"not an item id: {text!r}")
        return cls(Kind(kind), key)

    @property
    def queue(self) -> Queue:
        """The queue whose workers take this item."""
        return QUEUE_OF[self.kind]

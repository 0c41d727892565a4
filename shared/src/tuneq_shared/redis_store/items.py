"""The item operations, each one Lua script and so atomic."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import orjson
from redis import Redis

from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.item import PARKING_ORDER, ItemId, Queue
from tuneq_shared.domain.record import Record
from tuneq_shared.errors import IllegalTransitionError, StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, Commit, Creation, NewItem, Renewal
from tuneq_shared.redis_store.choices import choice_text, read_choice
from tuneq_shared.redis_store.scripts import argument, load_scripts

_PIPELINED = 500
_AT_ONCE = 25  # Redis does nothing else meanwhile
_STALE, _ILLEGAL = -1, -2


class RedisItems:
    """`ItemStore` on Redis."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._scripts = load_scripts(client)

    def create(self, items: Iterable[NewItem]) -> list[Creation]:
        """Create what is not there yet, pipelined, some at a time in one script."""
        answers: list[Creation] = []
        source = iter(items)
        while chunk := list(islice(source, _PIPELINED)):
            parts = [chunk[at : at + _AT_ONCE] for at in range(0, len(chunk), _AT_ONCE)]
            calls = [(orjson.dumps([_created(new) for new in part]),) for part in parts]
            answers += map(Creation, chain.from_iterable(self._pipelined("create", calls)))
        return answers

    def due(self, queue: Queue, limit: int, window_s: float) -> list[tuple[ItemId, str]]:
        """Mark and list what is due."""
        return _due(self._run("due", queue.value, limit, _ms(window_s)))

    def due_shards(self, limit: int, hands: int, window_s: float) -> list[tuple[ItemId, str]]:
        """Mark and list what is due, by turns."""
        return _due(self._run("due_shards", limit, _ms(window_s), hands))

    def claim(self, item: ItemId, lease_s: float) -> Claim | None:
        """Take the lease."""
        answer = self._run("claim", item, _ms(lease_s))
        if not answer:
            return None
        token, slot, now, stage, fixed, doc, at, asked, wakes, choice = answer
        record = Record(
            item=item,
            stage=stage,
            fixed=orjson.loads(fixed),
            doc=orjson.loads(doc),
            created_at=int(at) / 1000,
            due_at=int(now) / 1000,
            asked=asked or None,
            choice=read_choice(choice),
        )
        return Claim(
            record=record, token=int(token), wakes=int(wakes), slot=bool(slot), now=int(now) / 1000
        )

    def renew(self, claim: Claim, lease_s: float) -> Renewal:
        """Lengthen the lease."""
        answer = self._run("renew", claim.item, claim.token, _ms(lease_s))
        if answer is None:
            raise _stale(claim)
        now, asked = answer
        return Renewal(int(now) / 1000, Asked(asked) if asked else None)

    def save(self, claim: Claim, doc: dict[str, Any]) -> None:
        """Write the document, keep the lease."""
        if not self._run("save", claim.item, claim.token, orjson.dumps(doc)):
            raise _stale(claim)

    def commit(self, claim: Claim, commit: Commit) -> bool:
        """Write the new state and the next due time or park at once."""
        park, take = commit.park, commit.take
        if park and PARKING_ORDER.index(park.on.kind) <= PARKING_ORDER.index(claim.item.kind):
            raise ValueError(f"{claim.item} may not park on {park.on}: parks could form a circle")
        answer = self._run(
            "commit",
            claim.item,
            claim.token,
            claim.wakes,
            commit.stage,
            orjson.dumps(commit.doc),
            _ms(commit.delay_s),
            park.on if park else "",
            park.mark if park else "",
            commit.event,
            take.pool if take else "",
            "" if take is None or take.cap is None else take.cap,
            int(commit.refused),
            int(commit.free),
            commit.answered.value if commit.answered else "",
            commit.job,
            choice_text(claim.record.choice),
            orjson.dumps([str(item) for item in commit.leaves]),
        )
        if answer == _STALE:
            raise _stale(claim)
        if answer == _ILLEGAL:
            raise _illegal(claim.record, commit.stage)
        return bool(answer)

    def wake(self, items: Iterable[ItemId]) -> None:
        """Wake items, pipelined."""
        self._pipelined("wake", [(item,) for item in items])

    def ask(
        self, items: Iterable[ItemId], what: Asked, choices: Mapping[ItemId, Choice] | None = None
    ) -> list[bool]:
        """Set the fields outside the document that every claim reads, and wake."""
        made = choices or {}
        calls = [(item, what.value, choice_text(made.get(item))) for item in items]
        return [bool(answer) for answer in self._pipelined("ask", calls)]

    def join(
        self, new: NewItem, subscriber: str, revive_from: Sequence[str], *, creates: bool = True
    ) -> Creation:
        """Create, share or take up again."""
        args = (new.item, new.stage, orjson.dumps(new.fixed), orjson.dumps(new.doc), new.digest)
        stages = f" {' '.join(revive_from)} "
        answer = self._run("join", *args, subscriber, stages, int(creates))
        if answer == "stale":
            raise StaleClaimError(f"{subscriber} has ended, and shares nothing any more")
        return Creation(answer)

    def leave(self, item: ItemId, subscriber: str) -> None:
        """Stop sharing."""
        self._run("leave", item, subscriber)

    def revive(self, record: Record, stage: str, doc: dict[str, Any], event: str) -> bool:
        """Compare and take up."""
        before = orjson.dumps(record.doc)
        answer = self._run(
            "revive", record.item, record.stage, stage, before, orjson.dumps(doc), event
        )
        if answer == _ILLEGAL:
            raise _illegal(record, stage)
        return bool(answer)

    def parked_on(self, item: ItemId) -> dict[ItemId, str]:
        """Who sleeps on this item."""
        marks: dict[str, str] = self._client.hgetall(f"{self._prefix}:parked:{item}")  # type: ignore[assignment]  # redis-py types answers of its sync and async clients as one
        return {ItemId.parse(text): mark for text, mark in marks.items()}

    def _run(self, script: str, *args: object) -> Any:
        return self._scripts[script](args=[self._prefix, *map(argument, args)])

    def _pipelined(self, script: str, calls: Sequence[Sequence[object]]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipe:
            for args in calls:
                self._scripts[script](args=[self._prefix, *map(argument, args)], client=pipe)
            return pipe.execute()


def _created(new: NewItem) -> tuple[str, ...]:
    fixed, doc = orjson.dumps(new.fixed).decode(), orjson.dumps(new.doc).decode()
    rank = str(new.rank)
    return (str(new.item), new.stage, fixed, doc, new.digest, new.group, new.name, rank)


def _due(answer: list[tuple[str, str]]) -> list[tuple[ItemId, str]]:
    return [(ItemId.parse(text), stage) for text, stage in answer]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _stale(claim: Claim) -> StaleClaimError:
    return StaleClaimError(f"the lease on {claim.item} was lost; nothing was written")


def _illegal(record: Record, stage: str) -> IllegalTransitionError:
    return IllegalTransitionError(f"{record.item} may not go from {record.stage} to {stage}")

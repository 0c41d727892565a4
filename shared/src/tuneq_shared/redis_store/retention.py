"""Ended items: sorted by their end in Redis, so that old ones are found without a scan."""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any

import orjson
from redis import Redis

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.schema import SCHEMA
from tuneq_shared.errors import ConflictError
from tuneq_shared.ports.retention import EndedItem
from tuneq_shared.redis_store.events import event_text, read_event
from tuneq_shared.redis_store.scripts import argument, load_scripts

_TAKEN = -1
_FIELDS = ("stage", "fixed", "doc", "at", "digest", "group", "name", "rank", "number", "token")


class RedisRetention:
    """`Retention` on Redis."""

    def __init__(self, client: Redis, prefix: str) -> None:
        # Redis-py types the answers of its sync and async clients as one.
        self._client: Any = client
        self._prefix = prefix
        scripts = load_scripts(client)
        self._forget, self._restore = scripts["forget"], scripts["restore"]
        self._unneeded = scripts["unneeded"]

    def cutoff(self, age_s: float) -> float:
        """By the clock of Redis."""
        seconds, micros = self._client.time()
        return float((seconds * 1000 + micros // 1000 - round(age_s * 1000)) / 1000)

    def count(self, kind: Kind, until: float) -> int:
        """By score."""
        return int(self._client.zcount(self._ended(kind), "-inf", round(until * 1000)))

    def old(self, kind: Kind, until: float, start: int, limit: int) -> list[ItemId]:
        """By score."""
        key, most = self._ended(kind), round(until * 1000)
        ids = self._client.zrangebyscore(key, "-inf", most, start=start, num=limit)
        return [ItemId.parse(text) for text in ids]

    def read(self, items: Sequence[ItemId]) -> list[EndedItem]:
        """Pipelined; what is torn by a change meanwhile is not as it was read for `forget`."""
        with self._client.pipeline(transaction=False) as pipe:
            for item in items:
                pipe.zscore(self._ended(item.kind), str(item))
                pipe.hmget(f"{self._prefix}:item:{item}", _FIELDS)
                pipe.lrange(f"{self._prefix}:events:{item}", 0, -1)
            answers = iter(pipe.execute())
        rows = zip(items, answers, answers, answers, strict=True)
        found = (
            _ended_item(item, at, dict(zip(_FIELDS, values, strict=True)), events)
            for item, at, values, events in rows
            if at is not None and values[0] is not None
        )
        # What a newer tuneq has written is for a newer one to let go.
        return [ended for ended in found if ended.doc.get("v", SCHEMA) <= SCHEMA]

    def forget(self, ended: Sequence[EndedItem], *, dry: bool = False) -> list[bool]:
        """Pipelined, each an atomic script."""
        with self._client.pipeline(transaction=False) as pipe:
            for each in ended:
                args = (each.item, each.stage, orjson.dumps(each.doc), int(dry), *_share(each))
                self._forget(args=[self._prefix, *map(argument, args)], client=pipe)
            return [bool(answer) for answer in pipe.execute()]

    def restore(self, ended: EndedItem) -> bool:
        """Write all of it in one script."""
        args = (
            ended.item,
            ended.stage,
            orjson.dumps(ended.fixed),
            orjson.dumps(ended.doc),
            ended.digest,
            ended.group,
            ended.name,
            ended.rank,
            round(ended.created_at * 1000),
            ended.number,
            ended.token,
            *map(event_text, ended.events),
        )
        answer = self._restore(args=[self._prefix, *map(argument, args)])
        if answer == _TAKEN:
            raise ConflictError(
                f"archived run {ended.item.key} cannot come back: {ended.group}/{ended.name} or "
                "its key is another run's by now",
                hint="submit its request under another name and key",
            )
        return bool(answer)

    def accounts(self) -> set[str]:
        """A set."""
        return set(self._client.smembers(f"{self._prefix}:unneeded"))

    def forgotten(self, account: str) -> set[str]:
        """A set an account."""
        return set(self._client.smembers(f"{self._prefix}:unneeded:{account}"))

    def unneeded(self, account: str, among: Iterable[str]) -> set[str]:
        """Pipelined, each an atomic script."""
        files = list(among)
        with self._client.pipeline(transaction=False) as pipe:
            for file_id in files:
                self._unneeded(args=[self._prefix, account, file_id], client=pipe)
            return set(compress(files, pipe.execute()))

    def deleted(self, account: str, file_id: str) -> None:
        """Strike it off."""
        self._client.srem(f"{self._prefix}:unneeded:{account}", file_id)

    def claim_turn(self, what: str, period_s: float) -> bool:
        """A key that vanishes by itself."""
        key = f"{self._prefix}:pruning:{what}"
        return bool(self._client.set(key, 1, nx=True, px=round(period_s * 1000)))

    def _ended(self, kind: Kind) -> str:
        return f"{self._prefix}:ended:{kind.value}"


def _ended_item(item: ItemId, at: float, fields: dict[str, str], events: list[str]) -> EndedItem:
    return EndedItem(
        item=item,
        stage=fields["stage"],
        fixed=orjson.loads(fields["fixed"]),
        doc=orjson.loads(fields["doc"]),
        created_at=int(fields["at"]) / 1000,
        ended_at=at / 1000,
        digest=fields["digest"],
        group=fields["group"],
        name=fields["name"] or "",
        rank=int(fields["rank"]),
        number=int(fields["number"]),
        token=int(fields["token"]),
        events=tuple(map(read_event, events)),
    )


def _share(ended: EndedItem) -> tuple[object, ...]:
    """What goes with it: of an upload its account, files and only run, of an evaluation shards."""
    fixed, doc = ended.fixed, ended.doc
    if ended.item.kind is Kind.UPLOAD:
        run = fixed.get("purchase", "").partition("/")[0]
        only = ItemId(Kind.RUN, run) if run else ""
        return fixed["account"], orjson.dumps(ended.files), only, 0
    return "", "[]", "", doc.get("shards", 0) if ended.item.kind is Kind.EVALUATION else 0

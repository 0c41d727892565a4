"""Plain reads."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any

import orjson
from redis import Redis

from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.record import Record
from tuneq_shared.domain.waiting import Place
from tuneq_shared.errors import NotFoundError
from tuneq_shared.ports.catalogue import Event
from tuneq_shared.redis_store.choices import read_choice
from tuneq_shared.redis_store.events import read_event
from tuneq_shared.redis_store.scripts import load_scripts

_PIPELINED = 500


class RedisCatalogue:
    """`Catalogue` on Redis."""

    def __init__(self, client: Redis, prefix: str) -> None:
        # Redis-py types the answers of its sync and async clients as one.
        self._client: Any = client
        self._prefix = prefix
        self._read = load_scripts(client)["read"]

    def read(self, items: Sequence[ItemId]) -> list[Record | None]:
        """Records, pipelined."""
        if len(items) == 1:  # a pipeline asks first whether the script is there
            return [_record(items[0], self._read(args=[self._prefix, str(items[0])]))]
        records: list[Record | None] = []
        source = iter(items)
        while chunk := list(islice(source, _PIPELINED)):
            with self._client.pipeline(transaction=False) as pipe:
                for item in chunk:
                    self._read(args=[self._prefix, str(item)], client=pipe)
                records += map(_record, chunk, pipe.execute())
        return records

    def run_ids(self, group: str | None = None, *, archived: bool = False) -> list[str]:
        """Oldest first."""
        key = f"{self._prefix}:runs" if group is None else f"{self._prefix}:group:{group}"
        if not archived:
            return list(self._client.zrange(key, 0, -1))
        if group is None:
            return [
                *self._client.hkeys(f"{self._prefix}:archived"),
                *self._client.zrange(key, 0, -1),
            ]
        return list(self._client.zunion([key, f"{self._prefix}:archived:{group}"]))

    def counts(self, group: str | None = None, *, archived: bool = False) -> dict[str, int]:
        """Kept by the commits, so this costs one read however many runs there are."""
        counts: Counter[str] = Counter()
        # At once: else a run that is archived in between would count twice, or not at all.
        with self._client.pipeline(transaction=True) as pipe:
            for kept in ("counts", *(["archived_counts"] if archived else [])):
                pipe.hgetall(f"{self._prefix}:{kept}" + ("" if group is None else f":{group}"))
            for answer in pipe.execute():
                counts.update({stage: int(n) for stage, n in answer.items()})
        return {stage: n for stage, n in counts.items() if n}

    def archived_count(self, group: str | None = None) -> int:
        """Kept by what forgets them."""
        if group is None:
            return int(self._client.hlen(f"{self._prefix}:archived"))
        return int(self._client.zcard(f"{self._prefix}:archived:{group}"))

    def archived_among(self, runs: Collection[str]) -> set[str]:
        """By what stays of each."""
        asked = list(runs)
        kept = self._client.hmget(f"{self._prefix}:archived", asked) if asked else []
        return {run for run, digest in zip(asked, kept, strict=True) if digest is not None}

    def archived_followers(self, account: str, jobs: Collection[str]) -> dict[str, str]:
        """By what stays of each."""
        asked = list(jobs)
        kept = self._client.hmget(f"{self._prefix}:followed:{account}", asked) if asked else []
        return {job: run for job, run in zip(asked, kept, strict=True) if run is not None}

    def groups(self) -> list[str]:
        """Oldest first."""
        return list(self._client.zrange(f"{self._prefix}:groups", 0, -1))

    def names(self, group: str) -> dict[str, str]:
        """One read."""
        return dict(self._client.hgetall(f"{self._prefix}:names:{group}"))

    def find_run(self, text: str) -> str:
        """Id, prefix or GROUP/NAME."""
        group, slash, name = text.partition("/")
        if slash:
            found = self._client.hget(f"{self._prefix}:names:{group}", name)
            if found is None:
                raise NotFoundError(
                    f"no run {name!r} in group {group!r}", hint=f"see `tuneq ls --group {group}`"
                )
            return str(found)
        matches = self._client.zrangebylex(
            f"{self._prefix}:runs:ids", f"[{text}", f"[{text}\xff", start=0, num=2
        )
        if not matches or not text:
            raise NotFoundError(f"no run {text!r}", hint="`tuneq ls` lists the runs")
        if len(matches) > 1 and matches[0] != text:
            raise NotFoundError(
                f"{text!r} is the beginning of several runs' ids", hint="give more of the id"
            )
        return str(matches[0])

    def events(self, item: ItemId, start: int = 0) -> list[Event]:
        """Oldest first."""
        raw = self._client.lrange(f"{self._prefix}:events:{item}", start, -1)
        return list(map(read_event, raw))


def _record(item: ItemId, answer: list[Any] | None) -> Record | None:
    if not answer:
        return None
    stage, fixed, doc, at, due, parked, asked, place, choice = answer
    return Record(
        item=item,
        stage=stage,
        fixed=orjson.loads(fixed),
        doc=orjson.loads(doc),
        created_at=int(at) / 1000,
        due_at=int(due) / 1000 if due else None,
        parked_on=ItemId.parse(parked) if parked else None,
        asked=asked or None,
        choice=read_choice(choice),
        place=Place(*place) if place else None,
    )

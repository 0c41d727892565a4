"""Slots: never more than the provider takes, none idle, and its cap learnt where none is given."""

from typing import Any

import pytest

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.items import Commit, NewItem, Slot
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems

POOL = "account/model"
PERIOD_S = 0.001


class Provider:
    """Takes so many jobs at once and refuses the rest, as runs walk through a pool of slots."""

    def __init__(self, url: str, prefix: str, cap: int, configured: int | None) -> None:
        self.items = RedisItems(connect(url), prefix)
        self.catalogue = RedisCatalogue(connect(url), prefix)
        self.redis: Any = connect(url)
        self.prefix = prefix
        self.cap = cap
        self.slot = Slot(POOL, configured)
        self.active: set[ItemId] = set()
        self.most = self.refusals = 0

    def submit(self, runs: int, rank: int = 1) -> list[ItemId]:
        made = [ItemId(Kind.RUN, f"{rank}-{number:03}") for number in range(runs)]
        self.items.create(
            NewItem(
                item=item, stage="uploading", fixed={}, doc={},
                group="g", name=item.key, rank=rank,
            )
            for item in made
        )  # fmt: skip
        for item in made:
            self._commit(item, Commit(stage="creating", doc={}, delay_s=600, take=self.slot))
        return made

    def look(self, item: ItemId) -> bool:
        """One look of a run that is due; answers whether it had its slot."""
        claim = self.items.claim(item, 60)
        if claim is None or claim.record.stage != "creating":
            return False
        if not claim.slot:
            self.items.commit(claim, Commit(stage="creating", doc={}, delay_s=600, take=self.slot))
            return False
        if len(self.active) >= self.cap:
            self.refusals += 1
            refused = Commit(
                stage="creating", doc={}, delay_s=PERIOD_S, take=self.slot, refused=True
            )
            self.items.commit(claim, refused)
            return False
        self.active.add(item)
        self.most = max(self.most, len(self.active))
        self.items.commit(claim, Commit(stage="training", doc={}, delay_s=600, job=item.key))
        return True

    def end(self, item: ItemId) -> None:
        self.active.remove(item)
        self.items.wake([item])
        self._commit(item, Commit(stage="collecting", doc={}, delay_s=600, free=True))

    def line(self) -> list[str]:
        return list(self.redis.zrange(f"{self.prefix}:slots:{POOL}:line", 0, -1))

    def _commit(self, item: ItemId, commit: Commit) -> None:
        claim = self.items.claim(item, 60)
        assert claim is not None
        self.items.commit(claim, commit)


@pytest.mark.parametrize(("configured", "most_refusals"), [(3, 0), (None, 12)])
def test_all_get_their_turn_and_refusals_do_not_grow_with_the_line(
    redis_url: str, store_prefix: str, configured: int | None, most_refusals: int
) -> None:
    runs = 60
    provider = Provider(redis_url, store_prefix, 3, configured)
    waiting = provider.submit(runs)
    done = 0
    for _ in range(20 * runs):
        for item in waiting:
            provider.look(item)
        waiting = [item for item in waiting if item not in provider.active]
        if provider.active:
            provider.end(min(provider.active))
            done += 1
        if done == runs:
            break
    assert done == runs
    assert provider.most == 3
    # Each end may be followed by one probe, where a period has gone by; never one a waiting run.
    assert provider.refusals <= (most_refusals if configured else runs + most_refusals)


def test_an_unknown_cap_is_found_fast(redis_url: str, store_prefix: str) -> None:
    provider = Provider(redis_url, store_prefix, 1000, None)
    waiting = provider.submit(100)
    rounds = 0
    while waiting:
        rounds += 1
        assert rounds < 12
        waiting = [item for item in waiting if not provider.look(item)]
    assert provider.refusals == 0


def test_the_first_refusal_tells_what_there_is_room_for(redis_url: str, store_prefix: str) -> None:
    provider = Provider(redis_url, store_prefix, 3, None)
    for item in provider.submit(50):
        provider.look(item)
    assert provider.most == 3
    assert provider.refusals <= 4
    assert len(provider.line()) == 47


def test_the_line_is_ordered_by_priority_then_by_submission(
    redis_url: str, store_prefix: str
) -> None:
    provider = Provider(redis_url, store_prefix, 1, 1)
    low, normal, high = provider.submit(2, 2), provider.submit(2, 1), provider.submit(2, 0)
    assert provider.line() == [str(item) for item in [*high, *normal, low[1]]]
    records = provider.catalogue.read([*high, *normal])
    assert [record.place.position for record in records if record and record.place] == [1, 2, 3, 4]


def test_what_is_learnt_does_not_rise_while_nobody_waits(redis_url: str, store_prefix: str) -> None:
    provider = Provider(redis_url, store_prefix, 3, None)
    *_, refused = provider.submit(4)
    for number in range(4):
        provider.look(ItemId(Kind.RUN, f"1-{number:03}"))
    assert provider.refusals == 1
    provider.end(min(provider.active))
    assert provider.look(refused)
    for item in sorted(provider.active):
        provider.end(item)
    learnt = f"{store_prefix}:slots:{POOL}:learnt"
    provider.redis.hset(learnt, "period", 3_600_000)
    for rank in range(10, 40):  # one by one, in a period each
        provider.redis.hset(learnt, "raise_at", 0)
        (item,) = provider.submit(1, rank)
        assert provider.look(item)
        provider.end(item)
    provider.submit(40, 50)
    assert len(provider.line()) == 40 - 4, "all but three, and one that probes"


def test_an_unknown_cap_stays_ahead_of_what_was_active_at_once(
    redis_url: str, store_prefix: str
) -> None:
    provider = Provider(redis_url, store_prefix, 1000, None)
    for rank in range(30):
        (item,) = provider.submit(1, rank)
        assert provider.look(item)
        provider.end(item)
    provider.submit(50, 50)
    assert len(provider.line()) == 50 - 5

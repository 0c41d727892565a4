"""Hands for evaluations: by turns, and some are left for whoever comes next."""

from collections import Counter
from collections.abc import Callable

import pytest

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.items import Claim, Commit, NewItem
from tuneq_shared.redis_store.items import RedisItems

HANDS = 16
HOUR_S = 3600.0


@pytest.fixture
def make(items: RedisItems) -> Callable[[str, int], None]:
    def create(evaluation: str, shards: int) -> None:
        made = [ItemId(Kind.SHARD, f"{evaluation}/{n}") for n in range(shards)]
        items.create(NewItem(item=item, stage="pending", fixed={}, doc={}) for item in made)

    return create


def look(items: RedisItems, hands: int = HANDS, limit: int = 1000) -> list[ItemId]:
    return [item for item, _ in items.due_shards(limit, hands, HOUR_S)]


def taken(found: list[ItemId]) -> Counter[str]:
    return Counter(item.key.partition("/")[0] for item in found)


def claimed(items: RedisItems, item: ItemId) -> Claim:
    claim = items.claim(item, HOUR_S)
    assert claim is not None
    return claim


def end(items: RedisItems, item: ItemId) -> None:
    items.commit(claimed(items, item), Commit(stage="done", doc={}))


Make = Callable[[str, int], None]


def test_one_alone_leaves_some_hands_free_and_no_more(items: RedisItems, make: Make) -> None:
    make("huge", 100)
    assert len(look(items)) == 11
    assert look(items) == []


def test_a_late_one_finds_hands(items: RedisItems, make: Make) -> None:
    make("huge", 100)
    look(items)
    make("small", 2)
    assert taken(look(items)) == {"small": 2}


def test_those_that_come_together_take_turns(items: RedisItems, make: Make) -> None:
    make("huge", 100)
    make("large", 50)
    make("small", 2)
    found = taken(look(items))
    assert found["small"] == 2
    assert abs(found["huge"] - found["large"]) <= 1
    assert found.total() < HANDS


def test_a_hand_that_is_free_again_goes_to_who_has_fewest(items: RedisItems, make: Make) -> None:
    make("huge", 100)
    first = look(items)
    make("late", 100)
    assert taken(look(items)) == {"late": 4}
    for item in first[:6]:
        end(items, item)
    assert taken(look(items))["late"] > 0
    assert "huge" not in taken(look(items))


@pytest.mark.parametrize("hands", [1, 2])
def test_few_hands_are_not_left_idle(items: RedisItems, make: Make, hands: int) -> None:
    make("huge", 100)
    assert len(look(items, hands)) == hands


def test_no_more_than_asked_for(items: RedisItems, make: Make) -> None:
    make("huge", 100)
    assert len(look(items, limit=3)) == 3


def test_a_shard_that_waits_by_itself_needs_no_hand(items: RedisItems, make: Make) -> None:
    make("huge", 100)
    first = look(items)
    for item in first:
        waits = Commit(stage="pending", doc={}, delay_s=HOUR_S)
        items.commit(claimed(items, item), waits)
    assert len(look(items)) == 11


def test_all_get_their_turn(items: RedisItems, make: Make) -> None:
    make("huge", 60)
    make("small", 3)
    done = 0
    while found := look(items):
        for item in found:
            end(items, item)
        done += len(found)
    assert done == 63

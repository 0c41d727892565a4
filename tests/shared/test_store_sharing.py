"""Items that several share: created once, taken up again, cancelled with the last to leave."""

import pytest

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.items import Asked, Claim, Commit, Creation, NewItem
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems

ITEM = ItemId(Kind.EVALUATION, "shared")
NEW = NewItem(item=ITEM, stage="pending", fixed={}, doc={})
CANCELLED = Commit(stage="cancelled", doc={}, answered=Asked.CANCEL)


@pytest.fixture
def items(redis_url: str, store_prefix: str) -> RedisItems:
    return RedisItems(connect(redis_url), store_prefix)


@pytest.fixture
def catalogue(redis_url: str, store_prefix: str) -> RedisCatalogue:
    return RedisCatalogue(connect(redis_url), store_prefix)


def claimed(items: RedisItems) -> Claim:
    claim = items.claim(ITEM, 60)
    assert claim is not None
    return claim


def test_it_is_created_by_the_first_and_shared_by_the_rest(items: RedisItems) -> None:
    assert items.join(NEW, "run:a", ()) is Creation.CREATED
    assert items.join(NEW, "run:b", ()) is Creation.EXISTS
    # Who died before it could note the answer hears it again.
    assert items.join(NEW, "run:a", ()) is Creation.CREATED


def test_only_the_last_to_leave_has_it_cancelled(items: RedisItems) -> None:
    items.join(NEW, "run:a", ())
    items.join(NEW, "run:b", ())
    items.leave(ITEM, "run:a")
    items.leave(ITEM, "run:stranger")
    claim = claimed(items)
    assert claim.record.asked is None
    items.leave(ITEM, "run:b")
    assert items.renew(claim, 60).asked is Asked.CANCEL


def test_one_who_joins_while_it_is_being_cancelled_keeps_it(
    items: RedisItems, catalogue: RedisCatalogue
) -> None:
    items.join(NEW, "run:a", ())
    items.leave(ITEM, "run:a")
    claim = claimed(items)
    assert claim.record.asked == Asked.CANCEL
    assert items.join(NEW, "run:b", ()) is Creation.EXISTS
    assert items.commit(claim, CANCELLED)  # due at once, in the stage it was in
    (record,) = catalogue.read([ITEM])
    assert record is not None
    assert record.stage == "pending"
    assert claimed(items).record.asked is None


def test_what_was_cancelled_is_taken_up_again_by_the_next(items: RedisItems) -> None:
    items.join(NEW, "run:a", ())
    items.leave(ITEM, "run:a")
    assert not items.commit(claimed(items), CANCELLED)
    assert items.join(NEW, "run:b", ()) is Creation.EXISTS
    assert items.claim(ITEM, 60) is None
    assert items.join(NEW, "run:b", ("cancelled",)) is Creation.REVIVED
    assert claimed(items).record.stage == "pending"

"""Items that several share: created once, taken up again, cancelled with the last to leave."""

import pytest

from tuneq_shared.domain.item import ItemId, Kind, Queue
from tuneq_shared.errors import StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, Commit, Creation, NewItem, Park
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.items import RedisItems

ITEM = ItemId(Kind.EVALUATION, "shared")
NEW = NewItem(item=ITEM, stage="pending", fixed={}, doc={})
LEAVES = Commit(stage="failed", doc={}, leaves=(ITEM,))
CANCELLED = Commit(stage="cancelled", doc={}, answered=Asked.CANCEL)


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


@pytest.fixture
def run(items: RedisItems) -> Claim:
    """A run in hand that shares the item."""
    item = ItemId(Kind.RUN, "a")
    new = NewItem(item=item, stage="submitted", fixed={}, doc={}, group="g", name="a")
    items.create([new])
    items.join(NEW, str(item), ())
    claim = items.claim(item, 60)
    assert claim is not None
    return claim


def test_a_run_that_ends_leaves_in_the_same_write(
    items: RedisItems, catalogue: RedisCatalogue, run: Claim
) -> None:
    items.commit(run, LEAVES)
    assert asked(catalogue) == Asked.CANCEL


def test_a_worker_that_has_lost_its_run_leaves_nothing(
    items: RedisItems, catalogue: RedisCatalogue, run: Claim
) -> None:
    items.commit(run, Commit(stage="preparing", doc={}))
    with pytest.raises(StaleClaimError):
        items.commit(run, LEAVES)
    assert asked(catalogue) is None


def test_a_run_that_has_ended_joins_nothing(items: RedisItems, run: Claim) -> None:
    items.commit(run, LEAVES)
    with pytest.raises(StaleClaimError):
        items.join(NEW, str(run.item), ())


def test_a_crowd_that_sleeps_on_it_is_woken_piece_by_piece(
    items: RedisItems, catalogue: RedisCatalogue
) -> None:
    crowd = [ItemId(Kind.RUN, f"r{n}") for n in range(2500)]
    items.create(
        NewItem(item=item, stage="preparing", fixed={}, doc={}, group="g", name=item.key)
        for item in crowd
    )
    items.join(NEW, str(crowd[0]), ())
    for item in crowd:
        claim = items.claim(item, 60)
        assert claim is not None
        items.commit(claim, Commit(stage="preparing", doc={}, park=Park(ITEM)))
    items.commit(claimed(items), Commit(stage="incomplete", doc={}))

    rounds = [len(items.due(Queue.RUNS, len(crowd), 60)) for _ in range(4)]

    assert rounds == [1000, 1000, 500, 0]
    assert not any(record and record.parked_on for record in catalogue.read(crowd))


def asked(catalogue: RedisCatalogue) -> str | None:
    (record,) = catalogue.read([ITEM])
    assert record is not None
    return record.asked

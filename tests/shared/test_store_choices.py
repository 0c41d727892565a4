"""A choice stays with its release until that is answered, whatever comes between."""

import pytest

from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.items import Asked, Claim, Commit, NewItem
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems

ITEM = ItemId(Kind.RUN, "a" * 20)
ADOPTS, DISOWNS = Choice(adopts="job-1"), Choice(disowns=("job-1", "job-2"))
RELEASED = Commit(stage="creating", doc={}, answered=Asked.RELEASE)


@pytest.fixture
def items(redis_url: str, store_prefix: str) -> RedisItems:
    items = RedisItems(connect(redis_url), store_prefix)
    new = NewItem(item=ITEM, stage="held", fixed={}, doc={}, group="g", name="n", digest="d" * 64)
    items.create([new])
    return items


def claimed(items: RedisItems) -> Claim:
    claim = items.claim(ITEM, 60)
    assert claim is not None
    return claim


def choose(items: RedisItems, choice: Choice) -> None:
    assert items.ask([ITEM], Asked.RELEASE, {ITEM: choice}) == [True]


def standing(catalogue: RedisCatalogue) -> tuple[str, str | None, Choice | None]:
    (record,) = catalogue.read([ITEM])
    assert record is not None
    return record.stage, record.asked, record.choice


@pytest.mark.parametrize("choice", [ADOPTS, DISOWNS, None])
def test_it_is_read_with_the_claim_and_cleared_with_the_answer(
    items: RedisItems, catalogue: RedisCatalogue, choice: Choice | None
) -> None:
    assert items.ask([ITEM], Asked.RELEASE, {ITEM: choice} if choice else None) == [True]
    assert standing(catalogue) == ("held", "release", choice)
    claim = claimed(items)
    assert claim.record.choice == choice
    items.commit(claim, RELEASED)
    assert standing(catalogue) == ("creating", None, None)


def test_the_last_choice_counts_and_a_plain_release_leaves_it(
    items: RedisItems, catalogue: RedisCatalogue
) -> None:
    for choice in (ADOPTS, DISOWNS, Choice()):
        choose(items, choice)
    assert items.ask([ITEM], Asked.RELEASE) == [True]
    assert standing(catalogue) == ("held", "release", DISOWNS)


def test_a_cancel_takes_its_place(items: RedisItems, catalogue: RedisCatalogue) -> None:
    choose(items, ADOPTS)
    items.ask([ITEM], Asked.CANCEL)
    assert standing(catalogue) == ("held", "cancel", None)
    choose(items, ADOPTS)
    assert standing(catalogue) == ("held", "cancel", None)


@pytest.mark.parametrize("before", [None, DISOWNS])
def test_one_that_comes_while_a_release_is_answered_is_not_lost(
    items: RedisItems, catalogue: RedisCatalogue, before: Choice | None
) -> None:
    items.ask([ITEM], Asked.RELEASE, {ITEM: before} if before else None)
    claim = claimed(items)
    choose(items, ADOPTS)
    assert items.commit(claim, RELEASED), "due at once, as it was"
    assert standing(catalogue) == ("held", "release", ADOPTS)
    assert claimed(items).record.choice == ADOPTS


def test_a_cancel_that_comes_while_a_choice_is_answered_wins(
    items: RedisItems, catalogue: RedisCatalogue
) -> None:
    choose(items, ADOPTS)
    claim = claimed(items)
    items.ask([ITEM], Asked.CANCEL)
    assert items.commit(claim, RELEASED)
    assert standing(catalogue) == ("held", "cancel", None)


def test_what_is_not_held_keeps_no_release_in_mind(
    items: RedisItems, catalogue: RedisCatalogue
) -> None:
    """Held later on, for another reason, it would not stop."""
    items.commit(claimed(items), Commit(stage="creating", doc={}))
    assert items.ask([ITEM], Asked.RELEASE, {ITEM: ADOPTS}) == [False]
    assert standing(catalogue) == ("creating", None, None)
    assert items.ask([ITEM], Asked.CANCEL) == [True]

"""What the fleet has learnt of its accounts is read as the slots and the limiter left it."""

import asyncio

import pytest

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.items import Commit, NewItem, Slot
from tuneq_shared.ports.learnt import Learnt, ModelRates, Places
from tuneq_shared.ports.limits import Call, Headroom, Rates, Settlement, Told, Turn
from tuneq_shared.ports.slots import ActiveJob
from tuneq_shared.redis_store.connection import connect, connect_async
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.learnt import RedisLearntBook
from tuneq_shared.redis_store.limits import RedisLimiter
from tuneq_shared.redis_store.slots import RedisSlotBook


def test_nothing_is_known_at_first(redis_url: str, store_prefix: str) -> None:
    assert RedisLearntBook(connect(redis_url), store_prefix).read() == {}


def test_places_are_told_by_account_and_model(
    items: RedisItems, redis_url: str, store_prefix: str
) -> None:
    for number in range(6):
        item = ItemId(Kind.RUN, str(number))
        new = NewItem(item=item, stage="uploading", fixed={}, doc={}, group="g", name=item.key)
        items.create([new])
        claim = items.claim(item, 60)
        assert claim is not None
        take = Slot("lab/org/model:1", None)
        items.commit(claim, Commit(stage="creating", doc={}, delay_s=600, take=take))
    book = RedisLearntBook(connect(redis_url), store_prefix)
    begun = Places(model="org/model:1", learnt=4, ours=4, others=0, waiting=2)
    assert book.read() == {"lab": Learnt((begun,))}
    foreign = [ActiveJob(str(n), "org/model:1") for n in range(3)]
    RedisSlotBook(connect(redis_url), store_prefix).observe("lab", foreign, 600.0)
    (places,) = book.read()["lab"].places
    assert (places.others, places.ours) == (3, 4)


TOLD = Headroom(requests=Told(limit=500.0, remaining=499.0), tokens=Told(limit=3e4, remaining=1.0))


@pytest.mark.parametrize(
    ("rates", "told", "known"),
    [
        (Rates(requests=9), Headroom(), (None, None)),
        (Rates(), Headroom(), (6000.0, None)),
        (Rates(requests=9), TOLD, (500.0, 3e4)),
    ],
)
def test_rates_are_those_of_answers_or_what_was_found(
    redis_url: str,
    store_prefix: str,
    rates: Rates,
    told: Headroom,
    known: tuple[float | None, float | None],
) -> None:
    async def a_call() -> None:
        async with connect_async(redis_url) as client:
            limiter = RedisLimiter(client, store_prefix)
            turn = Turn(bucket="lab/m", rates=rates, wants={"e": [Call("c", 5)]})
            (permit,) = (await limiter.turn(turn)).permits
            settled = [Settlement(permit=permit, tokens=5, latency_s=0.1, headroom=told)]
            await limiter.turn(Turn(bucket="lab/m", rates=rates, settled=settled))

    asyncio.run(a_call())
    found = RedisLearntBook(connect(redis_url), store_prefix).read()
    rate = ModelRates(model="m", requests_per_minute=known[0], tokens_per_minute=known[1])
    assert found == {"lab": Learnt(rates=(rate,))}

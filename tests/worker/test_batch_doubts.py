"""A batch whose state is in doubt: nothing is paid for again that was paid for and answered."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, chat_line, refusal

from tuneq_shared.domain.evaluation import EvaluationSpec, Order, Shard
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.ports.items import Asked
from tuneq_worker.evaluation.batch_shard import through_batch
from tuneq_worker.ports.batches import BatchStatus
from tuneq_worker.ports.provider import Completion
from tuneq_worker.ports.stage import Advance, Fail, Sleep, Wait


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def a_shard(world: World) -> Shard:
    spec = EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", [chat_line(n) for n in range(3)]),
        dataset_digest="d",
        scorer="choice",
        max_tokens=1,
        temperature=0.0,
        mode="batch",
    )
    return Shard(
        id="e/0", stage=ShardStage.PENDING, spec=spec, evaluation="e", index=0, start=0, stop=3
    )


def steps(shard: Shard, world: World, *, until: str) -> Shard:
    """In the hand, without the store, until its order has such a field."""
    for _ in range(10):
        if getattr(shard.order, until):
            return shard
        shard = through_batch(shard, world.ports, FakeLease()).item
    raise AssertionError(f"no {until}")


def looked_at(shard: Shard, world: World, after_s: float = 0.0, **lease: Any) -> Any:
    now = (shard.order.since or time.time()) + after_s
    return through_batch(shard, world.ports, FakeLease(now=now, **lease))


def test_what_redis_forgot_to_have_been_read_is_not_bought_again(world: World) -> None:
    """The answers are in a part, their files are deleted, and the order is as it was before."""
    world.provider.expire_after.append(2)
    forgetful = steps(a_shard(world), world, until="batch")
    known = looked_at(forgetful, world).item
    assert (known.counts.samples, known.order.batch) == (2, None)
    again = forgetful
    while again.order.batch:
        again = looked_at(again, world, token=2).item
    assert again.counts == known.counts
    narrow = replace(forgetful, stop=1)
    assert looked_at(narrow, world, token=3).item.counts.samples == 1
    assert again.order.purchase.n == 1
    assert len(world.provider.batches) == 1


def test_a_batch_that_is_listed_is_there(world: World) -> None:
    shard = steps(a_shard(world), world, until="batch")
    world.provider.goes_wrong("batch", *[refusal(ErrorKind.NOT_FOUND)] * 20)
    for _ in range(10):
        result = looked_at(shard, world, after_s=1000.0)
        assert isinstance(result, Wait)
        assert result.item.order.batch == shard.order.batch
        shard = result.item


@pytest.mark.parametrize("asked", [None, Asked.CANCEL])
def test_a_young_batch_that_is_not_found_is_looked_for_as_long_as_the_grace(
    world: World, asked: Any
) -> None:
    shard = steps(a_shard(world), world, until="batch")
    world.provider.batches.clear()
    for _ in range(20):
        result = looked_at(shard, world, asked=asked)
        assert isinstance(result, Wait)
        assert result.item.order.batch == shard.order.batch
        shard = result.item
    after_s = world.settings.purchase_grace_s
    ended = looked_at(shard, world, after_s, asked=asked)
    assert ended.item.order.batch is None


def test_another_is_not_bought_for_one_that_is_gone_unless_somebody_retries(world: World) -> None:
    """It may go on where this key cannot see it."""
    shard = steps(a_shard(world), world, until="batch")
    world.provider.batches.clear()
    while shard.order.batch:
        shard = looked_at(shard, world, 3600.0).item
    assert (shard.stage, shard.counts.errored) == (ShardStage.DONE, 3)
    assert shard.failure is not None
    assert "batch-1 is gone" in shard.failure.message


def test_answers_that_are_not_told_of_yet_are_waited_for(world: World) -> None:
    shard = steps(a_shard(world), world, until="batch")
    batch = world.provider.batch(shard.order.batch or "")
    world.provider.batches[batch.id] = replace(batch, answers=())
    for _ in range(3):
        shard = looked_at(shard, world).item
    world.provider.batches[batch.id] = batch
    assert looked_at(shard, world).item.counts.correct == 3
    assert len(world.provider.batches) == 1


@pytest.mark.parametrize("asked", [None, Asked.CANCEL])
def test_answers_that_are_not_there_yet_are_waited_for(world: World, asked: Any) -> None:
    shard = steps(a_shard(world), world, until="batch")
    world.provider.batch(shard.order.batch or "")
    world.provider.goes_wrong("result_file", *[refusal(ErrorKind.NOT_FOUND)] * 3)
    for _ in range(3):
        result = looked_at(shard, world, asked=asked)
        assert isinstance(result, Wait)
        shard = result.item
    assert looked_at(shard, world, asked=asked).item.counts.correct == 3


def test_a_file_that_is_refused_for_good_is_sent_anew_by_a_retry(world: World) -> None:
    shard = steps(a_shard(world), world, until="file")
    world.provider.goes_wrong("create_batch", refusal(ErrorKind.BAD_REQUEST))
    result = looked_at(shard, world)
    assert isinstance(result, Fail)
    assert result.item.order.file is None
    assert not world.provider.files


def test_the_file_of_a_batch_that_found_no_room_is_not_sent_again(world: World) -> None:
    world.provider.turn_away.extend([refusal(ErrorKind.RATE)] * 3)
    shard = a_shard(world)
    for _ in range(30):
        result = looked_at(shard, world)
        shard = result.item
        if shard.stage is ShardStage.DONE:
            break
    assert shard.counts.correct == 3
    assert len(world.provider.batches) == 4
    assert world.provider.count("upload_requests") == 1
    assert not world.provider.files


def test_batches_that_tell_neither_age_nor_answers_are_not_bought_for_ever(world: World) -> None:
    shard = a_shard(world)
    while shard.stage is not ShardStage.DONE and len(world.provider.batches) < 9:
        shard = looked_at(shard, world).item
        for batch in world.provider.active_batches():
            gone = replace(batch, status=BatchStatus.COMPLETED, created_at=None)
            world.provider.batches[batch.id] = gone
    assert (shard.stage, shard.counts.errored) == (ShardStage.DONE, 3)
    assert len(world.provider.batches) == 5


def test_no_money_stops_the_account_whatever_else_went_wrong(world: World) -> None:
    kinds = iter([ErrorKind.SERVER, ErrorKind.QUOTA, ErrorKind.SERVER])

    def answer(_model: str, _messages: Any) -> Completion:
        raise refusal(next(kinds))

    world.provider.chat.answer = answer
    shard = steps(a_shard(world), world, until="batch")
    assert isinstance(looked_at(shard, world), Sleep)


def test_a_cancelled_one_keeps_nothing_that_was_ordered(world: World) -> None:
    world.provider.looks = 99
    shard = steps(a_shard(world), world, until="batch")
    result = looked_at(shard, world, asked=Asked.CANCEL)
    assert isinstance(result, Advance)
    assert result.item.order == Order(purchase=result.item.order.purchase)
    assert [b.status for b in world.provider.batches.values()] == [BatchStatus.CANCELLED]

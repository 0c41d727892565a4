from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, chat_line, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.evaluation import Counts, EvaluationSpec, Outcome, Shard
from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind, Failure
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.ports.items import Asked
from tuneq_worker.evaluation.predictions import read_predictions
from tuneq_worker.evaluation.shard import work_through
from tuneq_worker.marks import read_stop_mark
from tuneq_worker.ports.provider import Completion
from tuneq_worker.ports.stage import Advance, Sleep, Wait


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def a_shard(world: World, **fields: Any) -> Shard:
    spec = EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", [chat_line(n, "AB"[n % 2]) for n in range(12)]),
        dataset_digest="d",
        scorer="choice",
        max_tokens=1,
        temperature=0.0,
    )
    given = {"start": 2, "stop": 8, **fields}
    return Shard(id="e/1", stage=ShardStage.PENDING, spec=spec, evaluation="e", index=1, **given)


def goes_wrong(world: World, **errors: ErrorKind) -> None:
    """By the question's number; the rest is answered with A."""

    def answer(_model: str, messages: Any) -> Completion:
        kind = errors.get("q" + messages[-1]["content"].removeprefix("question "))
        if kind is not None:
            raise refusal(kind)
        return Completion(text="A", prompt_tokens=2, completion_tokens=1)

    world.provider.chat.answer = answer


def outcomes(world: World, shard: Shard) -> dict[int, Outcome]:
    assert shard.part is not None
    return {row.sample: row.outcome for row in read_predictions(world.ports.data, shard.part)}


def test_its_samples_are_asked_and_counted(world: World) -> None:
    result = work_through(a_shard(world), world.ports, FakeLease(token=7))
    assert isinstance(result, Advance)
    assert result.item.stage is ShardStage.DONE
    assert result.item.part == "evaluations/e/parts/1-7.jsonl"
    assert result.item.counts == Counts(
        correct=3, wrong=3, strict=3, prompt_tokens=18, completion_tokens=6
    )
    assert list(outcomes(world, result.item)) == [2, 3, 4, 5, 6, 7]
    assert world.provider.calls == [("open_chat", 64 * 16)]


def test_only_errored_samples_are_asked_again(world: World) -> None:
    goes_wrong(world, q3=ErrorKind.BAD_REQUEST, q5=ErrorKind.BAD_REQUEST)
    first = work_through(a_shard(world), world.ports, FakeLease(token=1)).item
    assert first.stage is ShardStage.DONE
    assert (first.counts.samples, first.counts.errored) == (6, 2)
    assert first.failure == Failure("sample_errored", "the provider said bad_request")
    world.provider.chat.asked.clear()
    goes_wrong(world)
    again = replace(first, stage=ShardStage.PENDING)
    second = work_through(again, world.ports, FakeLease(token=2)).item
    assert world.provider.chat.asked.total() == 2
    assert (second.counts.samples, second.counts.errored) == (6, 0)
    assert second.failure is None
    assert second.part == "evaluations/e/parts/1-2.jsonl"
    assert outcomes(world, first)[3] is Outcome.ERRORED, "the older part stays as it was"


def test_counts_are_set_and_not_added(world: World) -> None:
    done = work_through(a_shard(world), world.ports, FakeLease(token=1)).item
    world.provider.chat.asked.clear()
    again = replace(done, stage=ShardStage.PENDING)
    repeated = work_through(again, world.ports, FakeLease(token=2)).item
    assert world.provider.chat.asked.total() == 0
    assert repeated.counts == done.counts


@pytest.mark.parametrize("kind", sorted(STOPS_ACCOUNT))
def test_a_refusal_of_the_account_sleeps_on_it_with_what_is_answered(
    world: World, kind: ErrorKind
) -> None:
    goes_wrong(world, q7=kind)
    result = work_through(a_shard(world), world.ports, FakeLease())
    assert isinstance(result, Sleep)
    assert result.on == account_id(ACCOUNT)
    assert read_stop_mark(result.mark) is not None
    assert result.item.stage is ShardStage.PENDING
    answered = outcomes(world, result.item)
    goes_wrong(world)
    world.provider.chat.asked.clear()
    done = work_through(result.item, world.ports, FakeLease(token=2)).item
    assert done.counts.samples == 6
    assert world.provider.chat.asked.total() == 6 - len(answered)


def test_a_model_that_is_gone_errors_all_that_is_missing(world: World) -> None:
    goes_wrong(world, q4=ErrorKind.NOT_FOUND)
    result = work_through(a_shard(world), world.ports, FakeLease())
    assert isinstance(result, Advance)
    assert result.item.stage is ShardStage.DONE
    assert result.item.counts.samples == 6
    assert result.item.counts.errored >= 1
    assert result.item.failure == Failure("sample_errored", "the provider said not_found")


def test_a_lost_lease_waits_and_does_not_say_done(world: World) -> None:
    result = work_through(a_shard(world), world.ports, FakeLease(wanted=False))
    assert isinstance(result, Wait)
    assert result.item.stage is ShardStage.PENDING
    assert world.provider.chat.asked.total() == 0


def test_cancelled_it_asks_nothing(world: World) -> None:
    lease = FakeLease(asked=Asked.CANCEL)
    result = work_through(a_shard(world), world.ports, lease)
    assert result.item.stage is ShardStage.CANCELLED
    assert world.provider.calls == []


def test_a_long_wait_is_the_shards_and_keeps_what_is_answered(world: World) -> None:
    def answer(_model: str, messages: Any) -> Completion:
        if messages[-1]["content"] == "question 7":
            raise refusal(ErrorKind.RATE, 5000.0)
        return Completion(text="A", prompt_tokens=2, completion_tokens=1)

    world.provider.chat.answer = answer
    result = work_through(a_shard(world), world.ports, FakeLease())
    assert isinstance(result, Wait)
    assert result.delay_s == 5000.0
    assert result.item.stage is ShardStage.PENDING
    assert 7 not in outcomes(world, result.item)

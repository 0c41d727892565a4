from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, chat_line, refusal

from tuneq_shared.domain.evaluation import SHARD_SAMPLES, Counts, Evaluation, EvaluationSpec, Shard
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage, ShardStage
from tuneq_shared.domain.record import load
from tuneq_shared.evaluations import new_evaluation
from tuneq_shared.ports.items import Asked, Creation
from tuneq_shared.settings import Price
from tuneq_worker.evaluation import cutting
from tuneq_worker.evaluation import evaluation as module
from tuneq_worker.evaluation.evaluation import plan
from tuneq_worker.evaluation.predictions import read_predictions
from tuneq_worker.ports.provider import Completion
from tuneq_worker.ports.stage import Advance, Fail
from tuneq_worker.retention.pruning import prune
from tuneq_worker.steps import step


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 100 <= SHARD_SAMPLES <= 200
    monkeypatch.setattr(cutting, "SHARD_SAMPLES", 4)


def a_spec(world: World, lines: int = 10, **fields: Any) -> EvaluationSpec:
    given = {
        "dataset": world.put("e.jsonl", [chat_line(n, "AB"[n % 2]) for n in range(lines)]),
        "scorer": "choice",
        **fields,
    }
    return EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset_digest=str(lines),
        max_tokens=1,
        temperature=0.0,
        **given,
    )


def join(world: World, spec: EvaluationSpec, by: str = "me", *, again: bool = False) -> Creation:
    from_stages = ["cancelled", "incomplete"] if again else ["cancelled"]
    return world.ports.items.join(new_evaluation(spec), by, from_stages)


def now(world: World, spec: EvaluationSpec) -> Evaluation:
    return load(world.record(Evaluation.item_of(spec.fingerprint())), Evaluation)


def shards(world: World) -> list[Shard]:
    return [load(record, Shard) for record in world.items_of(Kind.SHARD)]


def finish(world: World, spec: EvaluationSpec) -> Evaluation:
    world.drive_to_end(now(world, spec).item)
    return now(world, spec)


def answers(world: World, *bad: int) -> None:
    def answer(_model: str, messages: Any) -> Completion:
        if int(messages[-1]["content"].removeprefix("question ")) in bad:
            raise refusal(ErrorKind.BAD_REQUEST)
        return Completion(text="A", prompt_tokens=2, completion_tokens=1)

    world.provider.chat.answer = answer


def test_it_is_cut_into_shards_and_joined_again(world: World) -> None:
    spec = a_spec(world)
    join(world, spec)
    done = finish(world, spec)
    assert done.stage is EvaluationStage.DONE
    assert [(s.start, s.stop, s.counts.samples) for s in shards(world)] == [
        (0, 4, 4),
        (4, 8, 4),
        (8, 10, 2),
    ]
    assert done.counts == Counts(
        correct=5, wrong=5, strict=5, prompt_tokens=30, completion_tokens=10
    )
    assert done.artifact is not None
    rows = list(read_predictions(world.ports.data, done.artifact))
    assert [row.sample for row in rows] == list(range(10))
    assert set(world.provider.chat.asked.values()) == {1}


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (5, 5), (99, 10)])
def test_a_limit_is_kept(world: World, limit: int, count: int) -> None:
    spec = a_spec(world, limit=limit)
    join(world, spec)
    assert finish(world, spec).counts.samples == count


@pytest.mark.parametrize(
    ("lines", "code", "words"),
    [
        ([], "empty_dataset", "is empty"),
        ([chat_line(0), b"nonsense\n"], "invalid_input", "line 2"),
        ([chat_line(0), chat_line(1, "maybe")], "invalid_input", "sample 2 is no choice"),
    ],
)
def test_a_bad_dataset_costs_nothing(
    world: World, lines: list[bytes], code: str, words: str
) -> None:
    spec = a_spec(world)
    world.put("e.jsonl", lines)
    join(world, spec)
    ended = finish(world, spec)
    assert ended.stage is EvaluationStage.INCOMPLETE
    assert ended.failure is not None
    assert ended.failure.code == code
    assert words in ended.failure.message
    assert world.provider.chat.asked.total() == 0


def test_a_target_that_is_no_choice_is_well_for_another_scorer(world: World) -> None:
    spec = a_spec(world, scorer="exact")
    world.put("e.jsonl", [chat_line(0, "maybe")])
    join(world, spec)
    assert finish(world, spec).counts == Counts(wrong=1, prompt_tokens=3, completion_tokens=1)


def test_errored_samples_make_it_incomplete_and_only_they_are_asked_again(world: World) -> None:
    spec = a_spec(world)
    join(world, spec)
    answers(world, 1, 9)
    ended = finish(world, spec)
    assert ended.stage is EvaluationStage.INCOMPLETE
    assert ended.failure is not None
    assert ended.failure.code == "samples_errored"
    assert "2 of 10 samples have no answer" in ended.failure.message
    assert ended.counts.accuracy is None
    answers(world)
    world.provider.chat.asked.clear()
    assert join(world, spec) is Creation.EXISTS
    assert join(world, spec, again=True) is Creation.REVIVED
    done = finish(world, spec)
    assert done.stage is EvaluationStage.DONE
    assert done.failure is None
    assert done.counts.samples == 10
    assert world.provider.chat.asked.total() == 2


def test_the_last_to_leave_cancels_it_with_its_shards(world: World) -> None:
    spec = a_spec(world)
    for who in ("me", "you"):
        join(world, spec, who)
    item = now(world, spec).item
    world.round()
    world.ports.items.leave(item, "me")
    assert world.record(item).asked is None
    world.ports.items.leave(item, "you")
    assert world.record(item).asked == Asked.CANCEL
    assert finish(world, spec).stage is EvaluationStage.CANCELLED
    world.drive(lambda: all(world.ended(s.item) for s in shards(world)))
    world.provider.chat.asked.clear()
    assert join(world, spec) is Creation.REVIVED
    done = finish(world, spec)
    assert (done.stage, done.counts.samples) == (EvaluationStage.DONE, 10)


@pytest.mark.parametrize("rounds", range(1, 6))
def test_leaving_and_coming_back_at_any_time_ends_well(world: World, rounds: int) -> None:
    spec = a_spec(world)
    join(world, spec)
    item = now(world, spec).item
    for _ in range(rounds):
        world.round()
        world.ports.items.leave(item, "me")
        world.round()
        join(world, spec)
    done = finish(world, spec)
    assert (done.stage, done.counts.samples) == (EvaluationStage.DONE, 10)


def test_one_who_comes_while_the_last_is_leaving_keeps_it(world: World) -> None:
    spec = a_spec(world)
    join(world, spec)
    world.round()
    item = now(world, spec).item
    world.ports.items.leave(item, "me")
    join(world, spec, "you")
    assert world.record(item).asked is None
    assert finish(world, spec).stage is EvaluationStage.DONE


class PlannedAndDied:
    """A store at which the planner dies as soon as the shards are there."""

    def __init__(self, items: Any) -> None:
        self._items = items

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)

    def commit(self, *_: Any) -> bool:
        raise KeyboardInterrupt


def test_shards_of_a_plan_that_was_cut_short_are_cancelled_with_it_and_forgotten(
    world: World,
) -> None:
    spec = a_spec(world)
    join(world, spec)
    item = now(world, spec).item
    with pytest.raises(KeyboardInterrupt):
        step(replace(world.ports, items=PlannedAndDied(world.ports.items)), item)
    assert len(shards(world)) == 3
    world.ports.items.leave(item, "me")
    world.let_time_pass()
    step(world.ports, item)
    world.drive_to_end(item, *(shard.item for shard in shards(world)))
    assert now(world, spec).stage is EvaluationStage.CANCELLED
    assert {shard.stage for shard in shards(world)} == {ShardStage.CANCELLED}
    assert not world.provider.chat.asked
    prune(world.ports, 0.0)
    assert not world.redis.keys(f"{world.prefix}:item:shard:*")


def test_planning_again_changes_nothing(world: World) -> None:
    spec = a_spec(world)
    join(world, spec)
    finish(world, spec)
    before = shards(world)
    evaluation = replace(now(world, spec), stage=EvaluationStage.PENDING)
    again = plan(evaluation, world.ports, FakeLease())
    assert isinstance(again, Advance)
    assert again.item.stage is EvaluationStage.RUNNING
    assert shards(world) == before


def test_one_that_is_taken_up_again_keeps_its_cut(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = a_spec(world)
    join(world, spec)
    answers(world, 9)
    finish(world, spec)
    before = [(shard.start, shard.stop) for shard in shards(world)]
    monkeypatch.setattr(cutting, "SHARD_SAMPLES", 3)
    answers(world)
    join(world, spec, again=True)
    done = finish(world, spec)
    assert (done.stage, done.counts.samples) == (EvaluationStage.DONE, 10)
    assert [(shard.start, shard.stop) for shard in shards(world)] == before


def test_a_missing_sample_is_not_passed_over(world: World) -> None:
    spec = a_spec(world)
    join(world, spec)
    done = finish(world, spec)
    first = shards(world)[0]
    key = f"{world.prefix}:item:{first.item}"
    world.redis.hset(key, "doc", world.redis.hget(key, "doc").replace('"correct":2', '"correct":1'))
    assert shards(world)[0].counts.samples == 3
    concluding = replace(done, stage=EvaluationStage.CONCLUDING)
    result = module.conclude(concluding, world.ports, FakeLease())
    assert isinstance(result, Fail)
    assert result.failure.code == "samples_missing"


def test_an_internal_fault_in_one_shard_leaves_the_others_whole(world: World) -> None:
    spec = a_spec(world)
    join(world, spec)

    def answer(_model: str, messages: Any) -> Completion:
        if messages[-1]["content"] == "question 5":
            raise ZeroDivisionError
        return Completion(text="A", prompt_tokens=2, completion_tokens=1)

    world.provider.chat.answer = answer
    ended = finish(world, spec)
    assert ended.stage is EvaluationStage.INCOMPLETE
    assert (ended.counts.samples, ended.counts.errored) == (10, 4)
    assert [s.stage for s in shards(world)] == [ShardStage.DONE] * 3
    answers(world)
    join(world, spec, again=True)
    assert finish(world, spec).stage is EvaluationStage.DONE


def test_it_needs_no_run(world: World) -> None:
    spec = a_spec(world)
    join(world, spec, "somebody")
    finish(world, spec)
    assert world.items_of(Kind.RUN) == []
    assert RunStage.SUCCEEDED not in world.ports.catalogue.counts()


def test_what_it_may_cost_is_known_before_it_is_asked(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    prices = {MODEL: Price(input=1000.0, output=2000.0)}
    world = World(redis_url, store_prefix, tmp_path, prices=prices)
    spec = a_spec(world)
    join(world, spec)
    world.drive(lambda: now(world, spec).cost_estimated is not None)
    assert now(world, spec).cost_usd is None
    world.drive_to_end(now(world, spec).item)
    done = now(world, spec)
    # Ten questions of some six tokens, and as many answers of one token at most.
    assert done.cost_estimated == pytest.approx((10 * 6 * 1000 + 10 * 2000) / 1e6)
    assert done.cost_usd == pytest.approx((10 * 3 * 1000 + 10 * 2000) / 1e6)

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, chat_line, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.evaluation import Counts, Evaluation, EvaluationSpec, Shard
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import AccountStage, EvaluationStage, ShardStage
from tuneq_shared.domain.record import load
from tuneq_shared.evaluations import new_evaluation
from tuneq_shared.ports.items import Asked, Creation
from tuneq_worker.evaluation.batch_shard import through_batch
from tuneq_worker.evaluation.predictions import read_predictions
from tuneq_worker.ports.batches import BatchStatus
from tuneq_worker.ports.provider import Completion, ProviderError
from tuneq_worker.ports.stage import Fail, Sleep, Wait
from tuneq_worker.recovery import recover

CAPABILITIES = {"batch_requests": 4}


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path, capabilities=CAPABILITIES)


def a_spec(world: World, lines: int = 6, **fields: Any) -> EvaluationSpec:
    given = {"mode": "batch", **fields}
    return EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", [chat_line(n, "AB"[n % 2]) for n in range(lines)]),
        dataset_digest=str(lines),
        scorer="choice",
        max_tokens=1,
        temperature=0.0,
        **given,
    )


def begin(world: World, spec: EvaluationSpec, *, again: bool = False) -> Creation:
    stages = ["cancelled", "incomplete"] if again else ["cancelled"]
    return world.ports.items.join(new_evaluation(spec), "me", stages)


def now(world: World, spec: EvaluationSpec) -> Evaluation:
    return load(world.record(Evaluation.item_of(spec.fingerprint())), Evaluation)


def shards(world: World) -> list[Shard]:
    return [load(record, Shard) for record in world.items_of(Kind.SHARD)]


def finish(world: World, spec: EvaluationSpec) -> Evaluation:
    world.drive_to_end(now(world, spec).item)
    return now(world, spec)


def evaluated(world: World, **fields: Any) -> Evaluation:
    spec = a_spec(world, **fields)
    begin(world, spec)
    return finish(world, spec)


def bought(world: World) -> list[str | None]:
    return [batch.purchase for batch in world.provider.batches.values()]


def goes_wrong(world: World, *numbers: int, kind: ErrorKind, times: int = 99) -> None:
    """These questions do, so many times each; the rest is answered with A."""
    left = Counter(dict.fromkeys(numbers, times))

    def answer(_model: str, messages: Any) -> Completion:
        number = int(messages[-1]["content"].removeprefix("question "))
        if left[number] > 0:
            left[number] -= 1
            raise refusal(kind)
        return Completion(text="A", prompt_tokens=3, completion_tokens=1)

    world.provider.chat.answer = answer


def test_it_counts_what_a_direct_one_counts(world: World) -> None:
    """Whichever comes first; and the other is not paid for."""
    batched = evaluated(world)
    assert batched.stage is EvaluationStage.DONE
    assert batched.counts == Counts(
        correct=3, wrong=3, strict=3, prompt_tokens=18, completion_tokens=6
    )
    assert bought(world) == [f"{batched.id}/0/0", f"{batched.id}/1/0"]
    assert set(world.provider.paid.values()) == {1}
    assert world.provider.chat.asked.total() == 0
    assert not world.provider.files, "nothing is left at the provider"
    direct = a_spec(world, mode="direct")
    assert begin(world, direct) is Creation.EXISTS
    other = evaluated(world, mode="direct", fresh="anew")
    assert other.counts == batched.counts
    assert rows(world, other) == rows(world, batched)


def rows(world: World, evaluation: Evaluation) -> list[Any]:
    assert evaluation.artifact is not None
    every = read_predictions(world.ports.data, evaluation.artifact)
    return [replace(row, latency_s=0.0) for row in every]


def test_a_batch_is_no_larger_than_the_account_takes(world: World) -> None:
    able = world.settings.accounts[ACCOUNT].capabilities
    object.__setattr__(able, "batch_bytes", 2500)
    assert evaluated(world).stage is EvaluationStage.DONE
    assert [(s.start, s.stop) for s in shards(world)] == [(0, 2), (2, 4), (4, 6)]


def test_expired_requests_are_bought_again_alone(world: World) -> None:
    world.provider.expire_after.extend([3, 2, 0])
    assert evaluated(world).counts.samples == 6
    assert len(bought(world)) == 4
    assert set(world.provider.paid.values()) == {1}


def test_errors_that_may_pass_are_asked_again_and_others_are_not(world: World) -> None:
    goes_wrong(world, 1, kind=ErrorKind.SERVER, times=2)
    assert evaluated(world).stage is EvaluationStage.DONE
    assert bought(world)[-1] == f"{shards(world)[0].id}/2"
    goes_wrong(world, 1, kind=ErrorKind.BAD_REQUEST)
    ended = evaluated(world, fresh="anew")
    assert (ended.stage, ended.counts.errored) == (EvaluationStage.INCOMPLETE, 1)
    assert len(bought(world)) == 4 + 2


def test_what_stays_errored_is_asked_again_only_when_somebody_retries(world: World) -> None:
    goes_wrong(world, 1, kind=ErrorKind.SERVER)
    spec = a_spec(world)
    begin(world, spec)
    ended = finish(world, spec)
    assert (ended.stage, ended.counts.errored) == (EvaluationStage.INCOMPLETE, 1)
    assert len(bought(world)) == 1 + 5
    goes_wrong(world, kind=ErrorKind.SERVER)
    assert begin(world, spec, again=True) is Creation.REVIVED
    assert finish(world, spec).stage is EvaluationStage.DONE
    assert len(bought(world)) == 1 + 5 + 1
    assert set(world.provider.paid.values()) == {1}


def test_a_batch_without_room_is_bought_when_there_is_some(world: World) -> None:
    world.provider.turn_away.extend([refusal(ErrorKind.RATE)] * 8)
    assert evaluated(world).stage is EvaluationStage.DONE
    assert len(bought(world)) == 2 + 8
    assert not world.provider.files


def test_a_batch_that_is_refused_for_good_errors_its_samples(world: World) -> None:
    world.provider.turn_away.append(refusal(ErrorKind.BAD_REQUEST))
    ended = evaluated(world)
    assert (ended.stage, ended.counts.errored) == (EvaluationStage.INCOMPLETE, 4)
    assert ended.failure is not None
    assert "the provider said bad_request" in ended.failure.message


def test_an_account_without_batches_is_named(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = World(redis_url, store_prefix, tmp_path, capabilities={"batch": False})
    ended = evaluated(world)
    assert ended.stage is EvaluationStage.INCOMPLETE
    assert ended.failure is not None
    assert "'fake' has no batches" in ended.failure.message


def test_the_last_to_leave_cancels_the_batch_and_keeps_what_it_has_answered(world: World) -> None:
    world.provider.looks = 99
    spec = a_spec(world)
    begin(world, spec)
    world.drive(lambda: len(world.provider.active_batches()) == 2)
    world.ports.items.leave(now(world, spec).item, "me")
    world.drive_to_end(now(world, spec).item, *(shard.item for shard in shards(world)))
    assert {shard.stage for shard in shards(world)} == {ShardStage.CANCELLED}
    assert {b.status for b in world.provider.batches.values()} == {BatchStatus.CANCELLED}
    assert world.provider.paid.total() == 2
    world.provider.looks = 1
    begin(world, spec)
    assert finish(world, spec).counts.samples == 6
    assert set(world.provider.paid.values()) == {1}


def test_whoever_comes_back_while_it_is_cancelled_has_the_rest_asked(world: World) -> None:
    world.provider.looks = 99
    spec = a_spec(world)
    begin(world, spec)
    world.drive(lambda: len(world.provider.active_batches()) == 2)
    item = now(world, spec).item
    world.ports.items.leave(item, "me")
    world.round()
    begin(world, spec)
    world.provider.looks = 1
    assert finish(world, spec).stage is EvaluationStage.DONE
    assert set(world.provider.paid.values()) == {1}


def test_one_that_is_cancelled_at_the_provider_is_not_bought_again(world: World) -> None:
    world.provider.looks = 99
    spec = a_spec(world)
    begin(world, spec)
    world.drive(lambda: len(world.provider.active_batches()) == 2)
    for batch in world.provider.active_batches():
        world.provider.cancel_batch(batch.id)
    ended = finish(world, spec)
    assert (ended.stage, ended.counts.errored) == (EvaluationStage.INCOMPLETE, 4)
    assert len(bought(world)) == 2


def test_without_metadata_its_file_tells_it(
    redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    able = {**CAPABILITIES, "metadata": False}
    world = World(redis_url, store_prefix, tmp_path, capabilities=able)
    world.provider.goes_wrong("create_batch", refusal(ErrorKind.NETWORK), done=True)
    assert evaluated(world).stage is EvaluationStage.DONE
    assert bought(world) == [None, None]


def test_a_creation_without_an_answer_is_looked_for_as_long_as_the_grace(world: World) -> None:
    world.provider.goes_wrong("create_batch", refusal(ErrorKind.NETWORK), done=True)
    spec = a_spec(world, lines=2)
    begin(world, spec)
    world.drive(lambda: bool(world.provider.batches))
    world.provider.unlisted_batches.update(world.provider.batches)
    for _ in range(5):
        world.round(grace=False)
    assert len(bought(world)) == 1
    world.provider.unlisted_batches.clear()
    assert finish(world, spec).stage is EvaluationStage.DONE
    assert len(bought(world)) == 1


@pytest.mark.parametrize("status", [BatchStatus.COMPLETED, BatchStatus.CANCELLED])
def test_batches_of_a_try_that_was_forgotten_are_passed_over(
    world: World, status: BatchStatus
) -> None:
    spec = a_spec(world, lines=2)
    for n in range(6):
        batch = world.provider.create_batch(world.provider._put("old", b"").id, None)
        name = f"{spec.fingerprint()}/0/{n}"
        files = ("file-gone",) if status is BatchStatus.COMPLETED else ()
        world.provider.batches[batch.id] = replace(
            batch, status=status, purchase=name, created_at=1.0, answers=files
        )
    begin(world, spec)
    assert finish(world, spec).stage is EvaluationStage.DONE
    assert len(bought(world)) == 7
    assert set(world.provider.paid.values()) == {1}


def test_money_that_is_used_up_stops_the_account_and_what_was_answered_is_kept(
    world: World,
) -> None:
    goes_wrong(world, 1, kind=ErrorKind.QUOTA, times=1)
    spec = a_spec(world)
    begin(world, spec)
    world.drive(lambda: bool(world.items_of(Kind.ACCOUNT)))
    world.drive(lambda: world.account().stage is AccountStage.STOPPED)
    assert world.ports.items.ask([account_id(ACCOUNT)], Asked.RELEASE) == [True]
    assert finish(world, spec).stage is EvaluationStage.DONE
    assert set(world.provider.paid.values()) == {1}


def following(world: World) -> Shard:
    """A shard whose batch goes on and on."""
    world.provider.looks = 99
    begin(world, a_spec(world, lines=2))
    world.drive(lambda: bool(world.provider.batches))
    (shard,) = shards(world)
    assert shard.order.since is not None
    return shard


@pytest.mark.parametrize(
    ("age_s", "error", "answer"),
    [
        (60.0, None, Wait),
        (60.0, ErrorKind.NETWORK, Wait),
        (25.5 * 3600, None, Fail),
        (25.5 * 3600, ErrorKind.AUTH, Sleep),
    ],
)
def test_a_batch_is_waited_for_no_longer_than_its_day(
    world: World, age_s: float, error: ErrorKind | None, answer: type[Any]
) -> None:
    shard = following(world)
    if error is not None:
        world.provider.goes_wrong("batch", refusal(error))
    lease = FakeLease(now=(shard.order.since or 0.0) + age_s)
    try:
        result: Any = through_batch(shard, world.ports, lease)
    except ProviderError as raised:
        result = recover(shard, ACCOUNT, raised)
    assert isinstance(result, answer)
    assert result.item.order.batch == shard.order.batch, "a retry looks at it first"


def test_a_cancel_is_waited_for_no_longer_either(world: World) -> None:
    shard = following(world)
    errors = [refusal(ErrorKind.NETWORK)] * 2
    world.provider.goes_wrong("cancel_batch", *errors)
    since = shard.order.since or 0.0
    young = FakeLease(asked=Asked.CANCEL, now=since + 60.0)
    assert isinstance(through_batch(shard, world.ports, young), Wait)
    assert [name for name, _ in young.log] == ["save"], "first it is noted"
    old = FakeLease(asked=Asked.CANCEL, now=since + 25.5 * 3600)
    with pytest.raises(ProviderError):
        through_batch(shard, world.ports, old)


def test_a_lost_file_is_sent_again(world: World) -> None:
    spec = a_spec(world, lines=2)
    begin(world, spec)
    world.drive(lambda: bool(world.provider.files))
    world.provider.files.clear()
    assert finish(world, spec).stage is EvaluationStage.DONE
    assert len(bought(world)) == 1

"""Evaluations by scorers that fail, or that are not to be had."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker import own_scorers
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, chat_line

from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec, Outcome, Shard
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage, ShardStage
from tuneq_shared.domain.record import load
from tuneq_shared.evaluations import new_evaluation
from tuneq_worker.evaluation.predictions import Prediction, read_predictions
from tuneq_worker.evaluation.shard import work_through
from tuneq_worker.ports.provider import Completion
from tuneq_worker.ports.stage import Fail
from tuneq_worker.stages.prepare import prepare

MODULE = "tests.worker.own_scorers"


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    own = {"frail": f"{MODULE}:frail", "gone": f"{MODULE}:absent"}
    return World(redis_url, store_prefix, tmp_path, scorers=own)


def evaluated(world: World, **fields: Any) -> Evaluation:
    spec = EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", fields.pop("lines", [chat_line(n) for n in range(4)])),
        dataset_digest="d",
        max_tokens=1,
        temperature=0.0,
        **fields,
    )
    new = new_evaluation(spec)
    world.ports.items.join(new, "me", ["incomplete"])
    world.drive_to_end(new.item)
    return load(world.record(new.item), Evaluation)


def rows(world: World, evaluation: Evaluation) -> list[Prediction]:
    assert evaluation.artifact is not None
    return list(read_predictions(world.ports.data, evaluation.artifact))


def asked(world: World) -> int:
    return int(world.provider.chat.asked.total() + world.provider.paid.total())


@pytest.mark.parametrize("mode", ["direct", "batch"])
def test_what_a_scorer_fails_at_is_judged_again_and_not_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    monkeypatch.setattr(own_scorers, "broken", {1, 3})
    failed = evaluated(world, scorer="frail", mode=mode)
    assert failed.stage is EvaluationStage.INCOMPLETE
    assert failed.failure is not None
    assert "scorer 'frail' raised ValueError: sample " in failed.failure.message
    assert (failed.counts.errored, failed.counts.correct, asked(world)) == (2, 2, 4)
    kept = rows(world, failed)[1]
    assert (kept.outcome, kept.answer, kept.parsed) == (Outcome.ERRORED, "A", None)
    assert evaluated(world, scorer="frail", mode=mode).counts.errored == 2, "it fails still"
    monkeypatch.setattr(own_scorers, "broken", set())
    done = evaluated(world, scorer="frail", mode=mode)
    assert (done.stage, done.counts.correct, asked(world)) == (EvaluationStage.DONE, 4, 4)
    assert done.counts.prompt_tokens == 12
    assert {row.outcome for row in rows(world, done)} == {Outcome.CORRECT}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scorer": "absent"}, "this worker has no scorer 'absent'"),
        ({"scorer": "gone"}, "scorer 'gone' cannot be loaded"),
        ({"scorer": "frail", "scorer_options": {"n": 1}}, "unexpected keyword argument 'n'"),
        ({"scorer": "regex", "scorer_options": {"pattern": "("}}, "scorer_options.pattern"),
    ],
)
def test_without_its_scorer_nothing_is_asked(world: World, fields: Any, words: str) -> None:
    ended = evaluated(world, **fields)
    assert ended.stage is EvaluationStage.INCOMPLETE
    assert ended.failure is not None
    assert ended.failure.code == "unusable_scorer"
    assert words in ended.failure.message
    assert asked(world) == 0
    request = world.request(
        evaluation={"dataset": world.put("e.jsonl", [chat_line(0)]), **fields},
        training_file=world.put("t.jsonl", [chat_line(n) for n in range(12)]),
    )
    run = prepare(world.a_run(RunStage.PREPARING, request), world.ports, FakeLease())
    assert isinstance(run, Fail)
    assert words in run.failure.message


def test_a_shard_asks_nothing_on_a_worker_that_lacks_its_scorer(world: World) -> None:
    done = evaluated(world, scorer="frail")
    (before,) = (load(record, Shard) for record in world.items_of(Kind.SHARD))
    paid = asked(world)
    spec = replace(done.spec, scorer="absent")
    shard = replace(before, spec=spec, stage=ShardStage.PENDING, part=None)
    result = work_through(shard, world.ports, FakeLease())
    assert isinstance(result, Fail)
    assert result.failure.code == "unusable_scorer"
    assert asked(world) == paid


@pytest.mark.parametrize(
    ("scorer", "target", "words"),
    [
        ("json", "{", "sample 2 is no JSON"),
        ("numeric", "many", "sample 2 is no number"),
    ],
)
def test_a_target_that_no_answer_can_meet_is_refused(
    world: World, scorer: str, target: str, words: str
) -> None:
    lines = [chat_line(0, "1"), chat_line(1, target)]
    ended = evaluated(world, lines=lines, scorer=scorer)
    assert ended.failure is not None
    assert words in ended.failure.message
    assert asked(world) == 0


def test_fields_of_json_stand_in_the_predictions(world: World) -> None:
    world.provider.chat.answer = lambda _model, _messages: Completion(
        text='{"a": 1, "b": 3}', prompt_tokens=1, completion_tokens=1
    )
    done = evaluated(world, lines=[chat_line(0, '{"b": 2, "a": 1}')], scorer="json")
    (row,) = rows(world, done)
    assert (row.outcome, row.fields) == (Outcome.WRONG, {"b": False, "a": True})

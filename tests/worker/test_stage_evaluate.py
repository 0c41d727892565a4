from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, FakeLease, World, chat_line, refusal

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.request import Samples
from tuneq_shared.domain.run import Run
from tuneq_worker.ports.provider import Completion
from tuneq_worker.ports.stage import Advance, Fail, Sleep, StageResult
from tuneq_worker.stages.evaluate import evaluate, specs


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def a_run(world: World, name: str = "one", **fields: Any) -> Run:
    given = {"baselines": [{"model": MODEL}, {"model": MODEL, "shots": 2}], **fields}
    request = world.request(**world.with_evaluation(name, **given))
    assert request.evaluation is not None
    return world.a_run(
        RunStage.EVALUATING,
        request,
        fine_tuned_model=f"ft:{name}",
        prepared=world.prepared(request.evaluation.dataset),
    )


def look(world: World, run: Run) -> StageResult[Run]:
    return evaluate(run, world.ports, FakeLease())


def evaluations(world: World) -> list[Evaluation]:
    return [load(record, Evaluation) for record in world.items_of(Kind.EVALUATION)]


def finish(world: World) -> None:
    world.drive(lambda: all(world.ended(e.item) for e in evaluations(world)))


def answering(*answers: str | ErrorKind) -> Callable[..., Completion]:
    left = list(answers)

    def answer(*_: object) -> Completion:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, ErrorKind):
            raise refusal(given)
        return Completion(text=given, prompt_tokens=1, completion_tokens=1)

    return answer


def test_it_asks_for_every_evaluation_and_sleeps(world: World) -> None:
    result = look(world, a_run(world))
    assert isinstance(result, Sleep)
    assert [(a.model, a.role, a.shots, a.reused) for a in result.item.asked] == [
        ("ft:one", "tuned", 0, False),
        (MODEL, "baseline", 0, False),
        (MODEL, "baseline", 2, False),
    ]
    assert {e.id for e in evaluations(world)} == {a.evaluation for a in result.item.asked}
    assert result.on == Evaluation.item_of(result.item.asked[0].evaluation)


def test_the_specification_holds_all_that_was_asked_for(world: World) -> None:
    run = a_run(world, scorer="choice", max_tokens=8, temperature=0.5, limit=3)
    (_, tuned), (_, own), (_, shot) = specs(run)
    assert (tuned.base, own.base) == (run.request.model, None)
    assert (tuned.account, tuned.scorer, tuned.max_tokens) == (ACCOUNT, "choice", 8)
    assert (tuned.temperature, tuned.limit) == (0.5, 3)
    assert (tuned.shots_from, tuned.shots_digest) == (None, None)
    assert run.prepared is not None
    assert tuned.dataset == f"sha256:{run.prepared.evaluation_digest}"
    assert (shot.shots, shot.shots_from) == (2, f"sha256:{run.prepared.source_digest}")


def test_the_same_content_is_the_same_evaluation_whatever_it_is_called(world: World) -> None:
    first = a_run(world)
    with world.ports.data.read("eval.jsonl") as file:
        lines = file.readlines()
    second = a_run(world, "one", dataset=world.put("other-name.jsonl", lines))
    third = a_run(world, "one", dataset=world.put("other.jsonl", lines[:-1]))
    prints = [{s.fingerprint() for _, s in specs(r)} for r in (first, second, third)]
    assert prints[0] == prints[1]
    assert not prints[0] & prints[2]


def test_examples_come_from_the_whole_training_file(world: World) -> None:
    small, large = (
        a_run(world, name).request.model_copy(update={"samples": samples})
        for name, samples in (("one", None), ("two", Samples(n=10)))
    )
    shots = []
    for request in (small, large):
        prepared = world.prepared()
        run = world.a_run(RunStage.EVALUATING, request, fine_tuned_model="ft", prepared=prepared)
        shots.append([spec for _, spec in specs(run)][-1])
    assert shots[0].fingerprint() == shots[1].fingerprint()


def test_runs_share_their_baselines(world: World) -> None:
    first, second = (look(world, a_run(world, name)).item for name in ("one", "two"))
    assert len(evaluations(world)) == 4
    assert [a.reused for a in first.asked] == [False, False, False]
    assert [a.reused for a in second.asked] == [False, True, True]
    again = look(world, first).item
    assert again.asked == first.asked
    finish(world)
    assert [a.reused for a in look(world, second).item.asked] == [False, True, True]


def test_one_who_died_before_noting_what_it_made_notes_it_the_next_time(world: World) -> None:
    run = a_run(world)
    look(world, run)
    assert [a.reused for a in look(world, run).item.asked] == [False, False, False]


def test_with_all_of_them_done_it_has_succeeded(world: World) -> None:
    run = look(world, a_run(world)).item
    finish(world)
    result = look(world, run)
    assert isinstance(result, Advance)
    assert result.item.stage is RunStage.SUCCEEDED


def test_samples_without_an_answer_fail_the_run_and_a_retry_redoes_only_those(
    world: World,
) -> None:
    run = look(world, a_run(world, baselines=[])).item
    world.provider.chat.answer = answering(ErrorKind.BAD_REQUEST, "A")
    finish(world)
    failed = look(world, run)
    assert isinstance(failed, Fail)
    assert failed.failure.code == "evaluation_incomplete"
    assert "1 of 5 samples have no answer" in failed.failure.message
    assert "said bad_request" in failed.failure.message
    world.provider.chat.asked.clear()
    again = look(world, replace(run, again=True))
    assert isinstance(again, Sleep)
    assert not again.item.again
    finish(world)
    assert world.provider.chat.asked.total() == 1
    assert isinstance(look(world, again.item), Advance)
    (evaluation,) = evaluations(world)
    assert evaluation.counts.samples == 5


def test_a_retry_that_fails_again_ends(world: World) -> None:
    run = look(world, a_run(world, baselines=[])).item
    world.provider.chat.answer = answering(ErrorKind.BAD_REQUEST)
    finish(world)
    again = look(world, replace(run, again=True)).item
    finish(world)
    assert isinstance(look(world, again), Fail)


def test_a_cancelled_one_is_taken_up_again(world: World) -> None:
    first = look(world, a_run(world)).item
    for asked in first.asked:
        world.ports.items.leave(Evaluation.item_of(asked.evaluation), str(first.item))
    finish(world)
    assert {e.stage for e in evaluations(world)} == {EvaluationStage.CANCELLED}
    assert isinstance(look(world, first), Sleep)
    finish(world)
    assert isinstance(look(world, first), Advance)
    assert {e.counts.samples for e in evaluations(world)} == {5}


def test_a_bad_evaluation_file_fails_the_run_by_its_line(world: World) -> None:
    bad = world.put("bad.jsonl", [chat_line(1), b"{}\n"])
    run = look(world, a_run(world, dataset=bad)).item
    finish(world)
    result = look(world, run)
    assert isinstance(result, Fail)
    assert "line 2" in result.failure.message


def test_without_a_model_there_is_nothing_to_evaluate(world: World) -> None:
    run = replace(a_run(world), fine_tuned_model=None)
    assert list(specs(run)) == []


def test_what_stayed_incomplete_for_another_run_is_tried_anew(world: World) -> None:
    first = look(world, a_run(world, baselines=[])).item
    world.provider.chat.answer = answering(ErrorKind.BAD_REQUEST)
    finish(world)
    assert isinstance(look(world, first), Fail)
    world.provider.chat.answer = answering("A")
    second = replace(first, asked=(), id="another")
    result = look(world, second)
    assert isinstance(result, Sleep)
    finish(world)
    assert isinstance(look(world, result.item), Advance)


def test_an_evaluation_that_vanished_is_no_success(world: World) -> None:
    run = look(world, a_run(world)).item
    finish(world)
    real = world.ports.catalogue.read
    world.ports.catalogue.read = lambda items: [None, *real(items)[1:]]  # type: ignore[method-assign]  # one is lost
    with pytest.raises(LookupError, match="vanished"):
        look(world, run)


def test_a_baseline_of_another_account_waits_for_its_own(world: World) -> None:
    run = a_run(world, baselines=[{"model": MODEL}, {"model": MODEL, "account": "second"}])
    asked = look(world, run).item.asked
    tuned, own, other = (Evaluation.item_of(each.evaluation) for each in asked)
    world.drive(lambda: world.ended(tuned) and world.ended(own))
    world.drive(lambda: world.record(other).parked_on == account_id("second"))
    waits = look(world, replace(run, asked=asked))
    assert isinstance(waits, Sleep)
    assert waits.on == other

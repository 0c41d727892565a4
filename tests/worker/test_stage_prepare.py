from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.worker.fakes import FakeLease, World, chat_line

from tuneq_shared.data_root import staged_path
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_worker.ports.stage import Advance, Fail, StageResult
from tuneq_worker.stages.prepare import prepare

LINES = [chat_line(n, label="x", subject="y") for n in range(40)]


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def prepared(world: World, lines: list[bytes] | None = None, **fields: Any) -> StageResult[Run]:
    training_file = world.put("t.jsonl", lines or LINES)
    request = world.request(**{"training_file": training_file, **fields})
    return prepare(world.a_run(RunStage.PREPARING, request), world.ports, FakeLease())


def staged(world: World, result: StageResult[Run]) -> list[bytes]:
    assert isinstance(result, Advance)
    assert result.item.stage is RunStage.UPLOADING
    assert result.item.prepared is not None
    with world.ports.data.read(staged_path(result.item.prepared.training_digest)) as file:
        return file.readlines()


def failed(result: StageResult[Run], code: str) -> str:
    assert isinstance(result, Fail)
    assert result.failure.code == code
    return result.failure.message


def test_what_will_be_uploaded_is_staged_without_metadata(world: World) -> None:
    result = prepared(world)
    lines = [orjson.loads(line) for line in staged(world, result)]
    assert [set(line) for line in lines] == [{"messages"}] * 40
    run = result.item
    assert run.prepared is not None
    assert run.prepared.examples == 40
    assert run.prepared.tokens > 40
    assert run.prepared.tokens_method
    assert run.cost_estimated == pytest.approx(run.prepared.tokens * 3 * 5.0 / 1e6)


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(world: World) -> None:
    samples = [staged(world, prepared(world, samples={"n": n, "seed": 7})) for n in (10, 20, 40)]
    assert [len(sample) for sample in samples] == [10, 20, 40]
    assert samples[1] == samples[2][:20]
    assert samples[0] == samples[1][:10]
    other = staged(world, prepared(world, samples={"n": 10, "seed": 8}))
    assert other != samples[0]


def test_the_same_request_makes_the_same_upload(world: World) -> None:
    first, second = (prepared(world, samples={"n": 12}) for _ in range(2))
    assert first.item == second.item or first.item.prepared == second.item.prepared


def test_a_bad_line_is_named(world: World) -> None:
    bad = [*LINES[:20], b'{"messages": []}\n', *LINES[20:]]
    assert "data:t.jsonl:21: " in failed(prepared(world, bad), "invalid_dataset")


def test_in_a_sample_too_it_is_named_by_its_place_in_the_file(world: World) -> None:
    bad = [*LINES[:20], b"\n", b'{"messages": []}\n', *LINES[20:]]
    words = failed(prepared(world, bad, samples={"n": 41}), "invalid_dataset")
    assert "data:t.jsonl:22: " in words


def test_many_bad_lines_are_counted(world: World) -> None:
    words = failed(prepared(world, [b"{}\n"] * 30), "invalid_dataset")
    assert words.count("data:t.jsonl:") == 5
    assert words.endswith("more")


def test_fewer_than_ten_examples_are_refused(world: World) -> None:
    words = failed(prepared(world, LINES[:9]), "invalid_dataset")
    assert "9 examples" in words
    failed(prepared(world, samples={"n": 9}), "invalid_dataset")


def test_a_sample_larger_than_the_file_is_refused(world: World) -> None:
    assert "only 40" in failed(prepared(world, samples={"n": 41}), "invalid_input")


def test_a_file_that_is_not_there(world: World) -> None:
    failed(prepared(world, training_file="data:nowhere.jsonl"), "not_found")


@pytest.mark.parametrize(
    ("model", "budget", "code"),
    [
        ("base-model", 0.0001, "over_budget"),
        ("another-model", 100.0, "price_unknown"),
        ("base-model", 100.0, None),
        ("another-model", None, None),
    ],
)
def test_the_budget_is_kept(
    world: World, model: str, budget: float | None, code: str | None
) -> None:
    result = prepared(world, model=model, budget_usd=budget)
    if code is None:
        assert isinstance(result, Advance)
    else:
        failed(result, code)


@pytest.mark.parametrize(("epochs", "times"), [(None, 3), ("auto", 3), (5, 5)])
def test_the_estimate_counts_epochs(world: World, epochs: object, times: int) -> None:
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": epochs}}}
    run = prepared(world, method=method).item
    assert run.prepared is not None
    assert run.cost_estimated == pytest.approx(run.prepared.tokens * times * 5.0 / 1e6)


def test_leaks_and_duplicates_are_counted(world: World) -> None:
    doubled = [*LINES, LINES[0], LINES[1]]
    held_out = [chat_line(900), LINES[2], LINES[3], LINES[4]]
    dataset = world.put("e.jsonl", held_out)
    result = prepared(world, doubled, evaluation={"dataset": dataset}, validation_file=dataset)
    assert isinstance(result, Advance)
    assert result.item.prepared is not None
    assert (result.item.prepared.duplicates, result.item.prepared.leaked) == (2, 3)
    assert "3 also in validation or evaluation" in result.event


def test_the_validation_file_is_staged_too(world: World) -> None:
    held_out = world.put("v.jsonl", [chat_line(900, subject="z")])
    result = prepared(world, validation_file=held_out)
    assert isinstance(result, Advance)
    assert result.item.prepared is not None
    digest = result.item.prepared.validation_digest
    assert digest is not None
    with world.ports.data.read(staged_path(digest)) as file:
        assert file.read() == chat_line(900)


def test_the_providers_own_file_passes_through(world: World) -> None:
    result = prepared(world, training_file="file-abc")
    assert isinstance(result, Advance)
    assert result.item.stage is RunStage.UPLOADING
    assert result.item.prepared is not None
    assert (result.item.prepared.training_digest, result.item.prepared.validation_digest) == (
        "",
        None,
    )


def test_what_will_be_evaluated_on_is_kept_as_it_is_now(world: World) -> None:
    dataset = world.put("e.jsonl", LINES[:3])
    evaluation = {"dataset": dataset, "baselines": [{"model": "m", "shots": 1}]}
    run = prepared(world, evaluation=evaluation).item
    world.put("e.jsonl", LINES[:1])
    assert run.prepared is not None
    for digest, count in ((run.prepared.evaluation_digest, 3), (run.prepared.source_digest, 40)):
        assert digest is not None
        with world.ports.data.read(staged_path(digest)) as file:
            assert len(file.readlines()) == count


@pytest.mark.parametrize("training_file", ["data:t.jsonl", "file-abc"])
def test_what_the_scorer_could_not_judge_is_refused_before_anything_is_bought(
    world: World, training_file: str
) -> None:
    dataset = world.put("e.jsonl", [chat_line(900, "A"), chat_line(901, "maybe")])
    evaluation = {"dataset": dataset, "scorer": "choice"}
    result = prepared(world, training_file=training_file, evaluation=evaluation)
    assert "the target of sample 2 is no choice: 'maybe'" in failed(result, "invalid_input")
    for well in ({"scorer": "exact"}, {"limit": 1}):
        result = prepared(world, training_file=training_file, evaluation={**evaluation, **well})
        assert isinstance(result, Advance)


def test_beside_the_providers_own_file_a_validation_file_of_ours_is_uploaded(world: World) -> None:
    held_out = world.put("v.jsonl", [chat_line(900)])
    result = prepared(world, training_file="file-abc", validation_file=held_out)
    assert isinstance(result, Advance)
    assert result.item.prepared is not None
    assert result.item.prepared.training_digest == ""
    assert result.item.prepared.validation_digest is not None
    bad = world.put("v.jsonl", [chat_line(900), b"{}\n"])
    again = prepared(world, training_file="file-abc", validation_file=bad)
    assert "data:v.jsonl:2: " in failed(again, "invalid_dataset")


def test_a_byte_order_mark_does_no_harm_wherever_its_line_comes_in_the_sample(
    world: World,
) -> None:
    marked = [b"\xef\xbb\xbf" + LINES[0], *LINES[1:]]
    for seed in range(3):
        sample = {"n": 40, "seed": seed}
        assert staged(world, prepared(world, marked, samples=sample)) == staged(
            world, prepared(world, samples=sample)
        )


def test_what_the_account_cannot_do_as_configured_here_is_told(world: World) -> None:
    """The door that the request came through may know another record of the account."""
    method = {"supervised": {"hyperparameters": {"lora": True}}}
    message = failed(prepared(world, method=method), "invalid_input")
    assert "account fake: hyperparameters lora: it takes n_epochs" in message
    assert "correct hyperparameters under [accounts.fake.capabilities]" in message


def preference(number: int, **more: Any) -> bytes:
    said = [[{"role": "assistant", "content": text}] for text in ("yes", "no")]
    asked = {"messages": [{"role": "user", "content": f"question {number}"}]}
    line = {"input": asked, "preferred_output": said[0], "non_preferred_output": said[1]}
    return orjson.dumps({**line, **more}) + b"\n"


def test_pairs_are_staged_for_dpo(world: World) -> None:
    lines = [preference(number, metadata={"label": "l"}) for number in range(20)]
    held_out = world.put("v.jsonl", lines[:2])
    method = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 2}}}
    result = prepared(world, lines, method=method, samples={"n": 12}, validation_file=held_out)
    sent = staged(world, result)
    assert len(sent) == 12
    assert set(sent) <= {preference(number) for number in range(20)}
    run = result.item
    assert run.prepared is not None
    assert run.cost_estimated == pytest.approx(run.prepared.tokens * 2 * 5.0 / 1e6)


def test_lines_of_another_method_are_refused(world: World) -> None:
    words = failed(prepared(world, method={"type": "dpo"}), "invalid_dataset")
    assert "data:t.jsonl:1: the line is a supervised chat line" in words
    pairs = [preference(number) for number in range(20)]
    assert "for the method dpo" in failed(prepared(world, pairs), "invalid_dataset")

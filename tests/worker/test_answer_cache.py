import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.worker.fakes import ACCOUNT, MODEL, World, chat_line, refusal

from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.record import load
from tuneq_shared.evaluations import new_evaluation
from tuneq_worker.evaluation import cutting
from tuneq_worker.evaluation.answer_cache import FOLDER
from tuneq_worker.ports.provider import Completion

ROOM = 100_000


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "SHARD_SAMPLES", 4)


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path, answer_cache_bytes=ROOM)


def a_spec(world: World, **fields: Any) -> EvaluationSpec:
    given = {
        "dataset": world.put("e.jsonl", [chat_line(n, "AB"[n % 2]) for n in range(6)]),
        "scorer": "choice",
        "temperature": 0.0,
        **fields,
    }
    return EvaluationSpec(account=ACCOUNT, model=MODEL, dataset_digest="d", max_tokens=1, **given)


def evaluated(world: World, spec: EvaluationSpec) -> tuple[Evaluation, int]:
    """The evaluation, and how many questions it asked."""
    chat = world.provider.chat
    before = chat.asked.total() + world.provider.paid.total()
    new = new_evaluation(spec)
    world.ports.items.join(new, "me", ["incomplete"])
    world.drive_to_end(new.item)
    asked = chat.asked.total() + world.provider.paid.total() - before
    return load(world.record(new.item), Evaluation), asked


def segments(world: World) -> list[Path]:
    return sorted((Path(world.ports.data.url) / FOLDER).glob("*"))


def test_an_answer_is_asked_for_once_whatever_it_is_scored_by(world: World) -> None:
    first, asked = evaluated(world, a_spec(world))
    assert (asked, first.counts.cached, first.counts.prompt_tokens) == (6, 0, 18)
    other, asked = evaluated(world, a_spec(world, scorer="exact", limit=5))
    assert (asked, other.counts.cached, other.counts.samples) == (0, 5, 5)
    assert other.counts.prompt_tokens == other.counts.completion_tokens == 0
    assert (other.counts.correct, other.counts.wrong) == (3, 2)
    batched, asked = evaluated(world, a_spec(world, scorer="exact", mode="batch"))
    assert (asked, batched.counts.cached) == (2, 4), "found by the first sample of a shard"


def test_a_changed_line_is_asked_alone(world: World) -> None:
    evaluated(world, a_spec(world))
    lines = [chat_line(99 if n == 2 else n, "AB"[n % 2]) for n in range(6)]
    spec = replace(a_spec(world), dataset=world.put("f.jsonl", lines), dataset_digest="other")
    changed, asked = evaluated(world, spec)
    assert (asked, changed.counts.cached) == (1, 5)


def test_batches_fill_it_and_use_it(world: World) -> None:
    _, asked = evaluated(world, a_spec(world, mode="batch"))
    again, none = evaluated(world, a_spec(world, scorer="exact", mode="batch"))
    assert (asked, none, again.counts.cached) == (6, 0, 6)


@pytest.mark.parametrize("fields", [{"temperature": 0.5}, {"fresh": "anew"}])
def test_neither_chance_nor_a_fresh_look_is_replaced(world: World, fields: Any) -> None:
    evaluated(world, a_spec(world, temperature=fields.get("temperature", 0.0)))
    other, asked = evaluated(world, a_spec(world, scorer="exact", **fields))
    assert (asked, other.counts.cached) == (6, 0)


def test_only_answers_are_kept(world: World) -> None:
    def answer(_model: str, messages: Any) -> Completion:
        number = int(messages[-1]["content"].removeprefix("question "))
        if number == 1:
            raise refusal(ErrorKind.BAD_REQUEST)
        return Completion(text="A", prompt_tokens=3, completion_tokens=1, refused=number == 2)

    world.provider.chat.answer = answer
    evaluated(world, a_spec(world))
    _, asked = evaluated(world, a_spec(world, scorer="exact"))
    assert asked == 2


def test_it_is_off_unless_asked_for(redis_url: str, store_prefix: str, tmp_path: Path) -> None:
    world = World(redis_url, store_prefix, tmp_path)
    evaluated(world, a_spec(world))
    assert evaluated(world, a_spec(world, scorer="exact"))[1] == 6
    assert segments(world) == []


@pytest.mark.parametrize("odd", [b'{"half', b"[]", b'{"a": 1}', b"\xff", None])
def test_what_cannot_be_read_is_asked_again(world: World, odd: bytes | None) -> None:
    evaluated(world, a_spec(world))
    for segment in segments(world):
        segment.unlink()
        if odd is None:
            segment.symlink_to("/etc/hostname")
        else:
            segment.write_bytes(odd)
    assert evaluated(world, a_spec(world, scorer="exact"))[1] == 6
    assert evaluated(world, a_spec(world, limit=6))[1] == 0


def test_a_place_that_cannot_be_read_costs_no_answer(world: World) -> None:
    """Written down before, they would be asked for again and again."""
    evaluated(world, a_spec(world))
    for segment in segments(world):
        segment.unlink()
        segment.mkdir()
    other, asked = evaluated(world, a_spec(world, scorer="exact"))
    assert (asked, other.counts.samples, other.counts.errored) == (6, 6, 0)


def test_the_oldest_segments_make_room(redis_url: str, store_prefix: str, tmp_path: Path) -> None:
    world = World(redis_url, store_prefix, tmp_path, answer_cache_bytes=600)
    evaluated(world, a_spec(world, limit=4))
    (old,) = segments(world)
    os.utime(old, (1, 1))
    lines = [chat_line(n, "A") for n in range(50, 55)]
    spec = replace(a_spec(world), dataset=world.put("f.jsonl", lines), dataset_digest="other")
    evaluated(world, spec)
    assert old not in segments(world)
    assert 0 < sum(segment.stat().st_size for segment in segments(world)) <= 600

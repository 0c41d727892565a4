from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.worker.fakes import ACCOUNT, MODEL, World, chat_line

from tuneq_shared.domain.evaluation import EvaluationSpec
from tuneq_shared.errors import InvalidInputError
from tuneq_worker.evaluation.samples import read_samples

LINES = [chat_line(n, "AB"[n % 2], choices=["x", "y"], label=f"l{n}") for n in range(7)]


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


def spec(world: World, lines: list[bytes] | None = None, **fields: Any) -> EvaluationSpec:
    return EvaluationSpec(
        account=ACCOUNT,
        model=MODEL,
        dataset=world.put("e.jsonl", LINES if lines is None else lines),
        dataset_digest="d",
        scorer="choice",
        max_tokens=1,
        temperature=0.0,
        **fields,
    )


def test_a_line_becomes_a_question_and_a_target(world: World) -> None:
    samples = list(read_samples(spec(world), world.ports.data))
    assert [s.index for s in samples] == list(range(7))
    second = samples[1]
    assert second.messages == ({"role": "user", "content": "question 1"},)
    assert (second.target, second.choices, second.label) == ("B", ("x", "y"), "l1")
    assert second.subject is None


@pytest.mark.parametrize(
    ("start", "stop", "limit", "indices"),
    [
        (0, None, None, [0, 1, 2, 3, 4, 5, 6]),
        (0, 3, None, [0, 1, 2]),
        (3, 6, None, [3, 4, 5]),
        (3, 6, 5, [3, 4]),
        (0, None, 2, [0, 1]),
        (6, 12, None, [6]),
        (5, 6, 3, []),
    ],
)
def test_a_range_keeps_its_places(
    world: World, start: int, stop: int | None, limit: int | None, indices: list[int]
) -> None:
    samples = read_samples(spec(world, limit=limit), world.ports.data, start, stop)
    assert [(s.index, s.label) for s in samples] == [(n, f"l{n}") for n in indices]


def test_shards_together_are_the_whole_although_lines_are_blank(world: World) -> None:
    lines = [LINES[0], b"\n", *LINES[1:4], b"  \n", *LINES[4:]]
    one = spec(world, lines)
    whole = list(read_samples(one, world.ports.data))
    parts = [s for a in (0, 3, 6) for s in read_samples(one, world.ports.data, a, min(a + 3, 7))]
    assert parts == whole
    assert len(whole) == 7


def test_examples_come_between_the_instructions_and_the_question(world: World) -> None:
    system = {"role": "system", "content": "be short"}
    asked = {"role": "user", "content": "the question"}
    line = {"messages": [system, asked, {"role": "assistant", "content": "A"}]}
    training = [
        {
            "messages": [
                {"role": "system", "content": "other"},
                *orjson.loads(chat_line(n))["messages"],
            ]
        }
        for n in range(9)
    ]
    shots_from = world.put("t.jsonl", [orjson.dumps(t) + b"\n" for t in training])
    one = spec(world, [orjson.dumps(line)], shots=2, shots_from=shots_from, shots_digest="d")
    (sample,) = read_samples(one, world.ports.data)
    first, *turns, last = sample.messages
    assert (first, last) == (system, asked)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    (fewer,) = read_samples(replace(one, shots=1), world.ports.data)
    assert fewer.messages == (system, *turns[:2], asked)
    assert sample.target == "A"


def test_a_conversation_is_asked_up_to_its_last_answer(world: World) -> None:
    turns = orjson.loads(chat_line(1))["messages"] + orjson.loads(chat_line(2, "B"))["messages"]
    (sample,) = read_samples(spec(world, [orjson.dumps({"messages": turns})]), world.ports.data)
    assert sample.messages == tuple(turns[:3])
    assert sample.target == "B"


def test_a_bad_line_is_named(world: World) -> None:
    one = spec(world, [*LINES[:2], b"{}\n"])
    with pytest.raises(InvalidInputError, match=r"data:e\.jsonl: line 3"):
        list(read_samples(one, world.ports.data))
    assert len(list(read_samples(one, world.ports.data, 0, 2))) == 2


def test_what_is_asked_may_be_put_otherwise_than_in_the_lines(world: World) -> None:
    asked = orjson.loads(LINES[0])["messages"]
    line = orjson.dumps({"messages": [{"role": "developer", "content": "be long"}, *asked]})
    shots = world.put("t.jsonl", [chat_line(n) for n in range(100, 103)])
    given = {"system": "be short", "prompt": "Q: {input} {a}", "shots": 1, "shots_from": shots}
    (sample,) = read_samples(spec(world, [line], **given), world.ports.data)
    system, example, answer, question = sample.messages
    assert system == {"role": "system", "content": "be short"}
    assert example["content"].startswith("Q: question 10")
    assert answer == {"role": "assistant", "content": "A"}
    assert question == {"role": "user", "content": "Q: question 0 {a}"}
    (bare,) = read_samples(spec(world, [line], system=""), world.ports.data)
    assert bare.messages == ({"role": "user", "content": "question 0"},)


def test_a_prompt_needs_a_text_to_put_into_it(world: World) -> None:
    line = {"messages": [{"role": "system", "content": "s"}, {"role": "assistant", "content": "A"}]}
    with pytest.raises(InvalidInputError, match="no text of a user"):
        list(read_samples(spec(world, [orjson.dumps(line)], prompt="{input}"), world.ports.data))

"""What is wrong with one line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data.codes import CODES, Code
from tuneq_shared.data.rules import Use, line_problems, plain_texts, sound_texts

U = {"role": "user", "content": "Q"}
A = {"role": "assistant", "content": "A"}
F = {"name": "f", "arguments": "{}"}
CALLED = {"id": "c", "type": "function", "function": F}
CALL = {"role": "assistant", "content": None, "tool_calls": [CALLED]}
ANSWER = {"role": "tool", "content": "", "tool_call_id": "c"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def codes(line: Any, use: Use = Use.TRAIN) -> list[Code]:
    return [problem.code for problem in line_problems(line, use)]


@pytest.mark.parametrize(
    "line",
    [
        {"messages": [U, A]},
        {"messages": [{"role": "system", "content": "S"}, U, A, U, A]},
        {"messages": [{"role": "developer", "content": "S"}, U, A], "parallel_tool_calls": True},
        {"messages": [U, CALL, ANSWER, A]},
        {"messages": [U, CALL], "tools": []},
        {"messages": [U, CALL], "tools": [TOOL], "parallel_tool_calls": False},
        {"messages": [U, {"role": "assistant", "function_call": F}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}]}, A]},
        {"messages": [U, A | {"weight": 0}, U, A | {"weight": 1}]},
        {"messages": [U, A], "metadata": {"choices": ["x"], "label": "l", "subject": None}},
        {"messages": [U, A], "metadata": {"own": 1}},
        {"messages": [U, A], "metadata": None},
    ],
)
def test_sound_lines(line: Any) -> None:
    assert codes(line) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([U, A], [Code.NOT_OBJECT]),
        (None, [Code.NOT_OBJECT]),
        ({}, [Code.NO_MESSAGES]),
        ({"messages": []}, [Code.NO_MESSAGES]),
        ({"messages": "Q"}, [Code.NO_MESSAGES]),
        ({"messages": {"role": "user"}}, [Code.NO_MESSAGES]),
        ({"prompt": "Q", "completion": "A"}, [Code.UNKNOWN_KEY] * 2 + [Code.NO_MESSAGES]),
        ({"messages": ["Q", A]}, [Code.MESSAGE_NOT_OBJECT]),
        ({"messages": [{"role": "human", "content": "Q"}, A]}, [Code.UNKNOWN_ROLE]),
        ({"messages": [{"role": ["user"], "content": "Q"}, A]}, [Code.UNKNOWN_ROLE]),
        ({"messages": [{"content": "Q"}, A]}, [Code.UNKNOWN_ROLE]),
        ({"messages": [U]}, [Code.NO_ASSISTANT]),
        ({"messages": [U, A, U]}, [Code.LAST_NOT_ASSISTANT]),
        ({"messages": [U, {"role": "assistant", "content": " \n"}]}, [Code.EMPTY_CONTENT]),
        ({"messages": [U, {"role": "assistant", "content": None}]}, [Code.EMPTY_CONTENT]),
        ({"messages": [{"role": "user"}, A]}, [Code.EMPTY_CONTENT]),
        ({"messages": [{"role": "user", "content": []}, A]}, [Code.EMPTY_CONTENT]),
        ({"messages": [{"role": "user", "content": 7}, A]}, [Code.BAD_CONTENT]),
        ({"messages": [{"role": "user", "content": ["Q"]}, A]}, [Code.BAD_CONTENT]),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}, A]}, [Code.BAD_CONTENT]),
        ({"messages": [U | {"text": "Q"}, A]}, [Code.UNKNOWN_MESSAGE_KEY]),
        ({"messages": [U, A], "id": 7}, [Code.UNKNOWN_KEY]),
        ({"messages": [U, A | {"weight": 0.5}]}, [Code.BAD_WEIGHT]),
        ({"messages": [U, A | {"weight": True}]}, [Code.BAD_WEIGHT]),
        ({"messages": [U, A | {"weight": 0}]}, [Code.ALL_WEIGHTS_ZERO]),
        ({"messages": [U, A], "metadata": []}, [Code.BAD_METADATA]),
        ({"messages": [U, A], "metadata": {"choices": "x"}}, [Code.BAD_METADATA]),
        ({"messages": [U, A], "metadata": {"choices": [1]}}, [Code.BAD_METADATA]),
        ({"messages": [U, A], "metadata": {"label": 1}}, [Code.BAD_METADATA]),
        (
            {
                "messages": [U, {"role": "assistant", "content": "(C)"}],
                "metadata": {"choices": ["x", "y"]},
            },
            [Code.TARGET_PAST_CHOICES],
        ),
    ],
)
def test_faulty_lines(line: Any, expected: list[Code]) -> None:
    assert codes(line) == expected


def test_an_evaluation_line_needs_a_text_to_compare_with_and_may_go_on_after_it() -> None:
    assert codes({"messages": [U, A, U]}, Use.EVALUATION) == [Code.MESSAGES_AFTER_TARGET]
    assert codes({"messages": [U, CALL]}, Use.EVALUATION) == [Code.TARGET_WITHOUT_TEXT]


def test_every_code_says_what_to_do() -> None:
    assert set(CODES) == set(Code)
    assert all(info.hint for info in CODES.values())


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "system", "tool", "human"]) | SCALARS,
        "content": st.sampled_from(["Q", "A", "", " "]) | SCALARS | st.lists(SCALARS, max_size=2),
        "weight": st.sampled_from([0, 1, 2]),
        "name": st.just("n"),
    },
)
LINES = SCALARS | st.fixed_dictionaries(
    {},
    optional={
        "messages": st.lists(MESSAGES | SCALARS, max_size=3) | MESSAGES | SCALARS,
        "metadata": SCALARS | st.fixed_dictionaries({}, optional={"choices": SCALARS}),
        "tools": st.just([]),
        "other": st.none(),
    },
)


@given(LINES, st.sampled_from(Use))
def test_no_line_breaks_the_rules(line: Any, use: Use) -> None:
    problems = list(line_problems(line, use))
    if not any(problem.is_error for problem in problems):
        assert sound_texts(line).roles[-1] == "assistant"


@given(LINES)
def test_the_quick_way_lets_nothing_through_that_the_rules_refuse(line: Any) -> None:
    texts = plain_texts(line)
    if texts is None:
        return
    # The weight makes it a line that has to go through every rule.
    last = {**line["messages"][-1], "weight": 1}
    slow = {"messages": [*line["messages"][:-1], last]}
    assert plain_texts(slow) is None
    assert codes(slow) == []
    assert sound_texts(slow) == texts

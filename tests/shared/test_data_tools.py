"""Tools and the calls of them in chat lines."""

from typing import Any

import pytest

from tuneq_shared.data.codes import Code
from tuneq_shared.data.rules import Use, line_problems

USER = {"role": "user", "content": "What is the weather?"}
SAID = {"role": "assistant", "content": "Fine."}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def call(arguments: Any = '{"city": "Rome"}', **changes: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    return {"id": "c1", "type": "function", "function": function, **changes}


def calling(*calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": list(calls)}


def answer(call_id: Any = "c1") -> dict[str, Any]:
    return {"role": "tool", "content": "sunny", "tool_call_id": call_id}


def problems(messages: list[Any], **more: Any) -> list[tuple[Code, str]]:
    found = line_problems({"messages": messages, **more}, Use.TRAIN)
    return [(problem.code, problem.message) for problem in found]


@pytest.mark.parametrize(
    "messages",
    [
        [USER, calling(call())],
        [USER, calling(call(), call(id="c2")), answer(), answer("c2"), SAID],
        [USER, {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}],
    ],
)
def test_sound_calls(messages: list[Any]) -> None:
    assert problems(messages, tools=[TOOL], parallel_tool_calls=False) == []


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (call(id=None), Code.BAD_TOOL_CALL, "tool call 1 of message 2 has no id"),
        (call(type="tool"), Code.BAD_TOOL_CALL, "not of the type"),
        (call(function={"arguments": "{}"}), Code.BAD_TOOL_CALL, "with a proper name"),
        (call(function={"name": "a b", "arguments": "{}"}), Code.BAD_TOOL_CALL, "proper name"),
        ("weather()", Code.BAD_TOOL_CALL, "not an object"),
        (call({"city": "Rome"}), Code.BAD_ARGUMENTS, "are not a text"),
        (call("{city: Rome}"), Code.BAD_ARGUMENTS, "of message 2 are not JSON"),
        (call("[]"), Code.BAD_ARGUMENTS, "not a JSON object"),
    ],
)
def test_faulty_calls(made: Any, code: Code, words: str) -> None:
    [(found, message)] = problems([USER, calling(made)])
    assert found is code
    assert words in message


@pytest.mark.parametrize(
    ("messages", "code", "words"),
    [
        ([USER, calling(call()), answer("c9"), SAID], Code.BAD_TOOL_ANSWER, "'c9', never called"),
        ([USER, answer(), calling(call())], Code.BAD_TOOL_ANSWER, "message 2 answers 'c1'"),
        ([USER, calling(call()), answer(None), SAID], Code.BAD_TOOL_ANSWER, "no tool_call_id"),
        ([{**USER, "tool_calls": [call()]}, SAID], Code.BAD_TOOL_CALL, "no assistant's"),
    ],
)
def test_answers_belong_to_calls(messages: list[Any], code: Code, words: str) -> None:
    [(found, message)] = problems(messages)
    assert found is code
    assert words in message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"tools": {}}, "tools is not a list"),
        ({"tools": ["weather"]}, "tool 1 is not an object"),
        ({"tools": [TOOL, {"type": "function", "function": {}}]}, "tool 2 has no function"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]},
            "parameters of tool 1",
        ),
        ({"parallel_tool_calls": "yes"}, "neither true nor false"),
    ],
)
def test_faulty_tools(more: dict[str, Any], words: str) -> None:
    [(found, message)] = problems([USER, SAID], **more)
    assert found is Code.BAD_TOOLS
    assert words in message


def test_a_call_of_a_tool_that_is_not_there_is_warned_of() -> None:
    other = {"type": "function", "function": {"name": "time"}}
    [(found, message)] = problems([USER, calling(call())], tools=[other])
    assert found is Code.UNKNOWN_TOOL
    assert "'weather'" in message

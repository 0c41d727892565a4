"""What tools, and the calls of them, must look like in a chat line."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from tuneq_shared.data.codes import Code, Problem

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def tools_problems(holder: dict[str, Any]) -> Iterator[Problem]:
    """All that is wrong with `tools` and `parallel_tool_calls`, where there are any."""
    tools = holder.get("tools")
    if tools is not None and not isinstance(tools, list):
        yield Problem(Code.BAD_TOOLS, "tools is not a list")
    elif tools:
        for number, tool in enumerate(tools, 1):
            yield from _tool_problems(tool, number)
    if not isinstance(holder.get("parallel_tool_calls"), bool | None):
        yield Problem(Code.BAD_TOOLS, "parallel_tool_calls is neither true nor false")


def call_problems(message: dict[str, Any], number: int) -> Iterator[Problem]:
    """All that is wrong with the calls that a message makes."""
    if message.get("function_call") is not None:
        what = f"the function_call of message {number}"
        yield from _function_problems(message["function_call"], what)
    calls = message.get("tool_calls")
    if calls is None:
        return
    if message.get("role") != "assistant":
        yield Problem(Code.BAD_TOOL_CALL, f"message {number} calls tools and is no assistant's")
    if not isinstance(calls, list) or not calls:
        yield Problem(Code.BAD_TOOL_CALL, f"tool_calls of message {number} is no list of calls")
        return
    for place, call in enumerate(calls, 1):
        what = f"tool call {place} of message {number}"
        if not isinstance(call, dict):
            yield Problem(Code.BAD_TOOL_CALL, f"{what} is not an object")
            continue
        if not isinstance(call.get("id"), str) or not call["id"]:
            yield Problem(Code.BAD_TOOL_CALL, f"{what} has no id")
        if call.get("type") != "function":
            yield Problem(Code.BAD_TOOL_CALL, f'{what} is not of the type "function"')
        yield from _function_problems(call.get("function"), what)


def answer_problems(messages: list[Any], tools: Any) -> Iterator[Problem]:
    """Tool messages that answer no call before them, and calls of tools that are not there."""
    known = {_name_of(tool) for tool in tools} if isinstance(tools, list) else set()
    open_calls: set[str] = set()
    for number, message in enumerate(messages, 1):
        if not isinstance(message, dict):
            continue
        for call in _calls(message):
            if isinstance(call.get("id"), str):
                open_calls.add(call["id"])
            name = _name_of(call)
            if known and name and name not in known:
                yield Problem(
                    Code.UNKNOWN_TOOL, f"message {number} calls {name!r}, which is not in tools"
                )
        if message.get("role") == "tool":
            answered = message.get("tool_call_id")
            if not isinstance(answered, str):
                yield Problem(Code.BAD_TOOL_ANSWER, f"message {number} has no tool_call_id")
            elif answered not in open_calls:
                yield Problem(
                    Code.BAD_TOOL_ANSWER, f"message {number} answers {answered!r}, never called"
                )


def _calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _name_of(holder: Any) -> str | None:
    function = holder.get("function") if isinstance(holder, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None


def _tool_problems(tool: Any, number: int) -> Iterator[Problem]:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        yield Problem(Code.BAD_TOOLS, f'tool {number} is not an object of the type "function"')
        return
    if not _NAME.fullmatch(_name_of(tool) or ""):
        yield Problem(Code.BAD_TOOLS, f"tool {number} has no function with a proper name")
        return
    parameters = tool["function"].get("parameters")
    if not isinstance(parameters, dict | None):
        yield Problem(Code.BAD_TOOLS, f"the parameters of tool {number} are no JSON schema")


def _function_problems(function: Any, what: str) -> Iterator[Problem]:
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield Problem(Code.BAD_TOOL_CALL, f"{what} has no function with a proper name")
        return
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        yield Problem(Code.BAD_ARGUMENTS, f"the arguments of {what} are not a text")
        return
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError as error:
        yield Problem(Code.BAD_ARGUMENTS, f"the arguments of {what} are not JSON: {error.msg}")
        return
    if not isinstance(value, dict):
        yield Problem(Code.BAD_ARGUMENTS, f"the arguments of {what} are not a JSON object")

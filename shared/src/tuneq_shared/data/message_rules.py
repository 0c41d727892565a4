"""What one message of a chat line must look like."""

from collections.abc import Iterator
from typing import Any

import orjson

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.tool_rules import call_problems

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
MESSAGE_KEYS = frozenset(
    {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}
)
_MAY_BE_EMPTY = ("tool", "function")  # a tool may well answer with nothing


def message_problems(message: Any, number: int) -> Iterator[Problem]:
    """All that is wrong with the message at place `number`, from 1."""
    if not isinstance(message, dict):
        yield Problem(Code.MESSAGE_NOT_OBJECT, f"message {number} is not an object")
        return
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        what = f"has the unknown role {role!r}" if "role" in message else "has no role"
        yield Problem(Code.UNKNOWN_ROLE, f"message {number} {what}")
    for key in message:
        if key not in MESSAGE_KEYS:
            yield Problem(Code.UNKNOWN_MESSAGE_KEY, f"message {number} has the unknown key {key!r}")
    yield from _content_problems(message, number)
    yield from call_problems(message, number)
    weight = message.get("weight", 1)
    if type(weight) is not int or weight not in {0, 1}:
        yield Problem(Code.BAD_WEIGHT, f"message {number} has the weight {weight!r}")


def content_text(message: Any) -> str:
    """The text of a message: its content, or its text parts joined; empty where it has none."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def full_text(message: dict[str, Any]) -> str:
    """All of a sound message but its role and weight: its text, or JSON where there is more."""
    content = message.get("content")
    rest = {key: message[key] for key in message if key not in {"role", "weight"}}
    if isinstance(content, str) and len(rest) == 1:
        return content
    return orjson.dumps(rest, option=orjson.OPT_SORT_KEYS).decode()


def _content_problems(message: dict[str, Any], number: int) -> Iterator[Problem]:
    content = message.get("content")
    if content is None:
        calls = message.get("tool_calls") or message.get("function_call")
        if message.get("role") != "assistant" or not (calls or message.get("refusal")):
            yield Problem(Code.EMPTY_CONTENT, f"message {number} has no content")
    elif isinstance(content, str):
        if not content.strip() and message.get("role") not in _MAY_BE_EMPTY:
            yield Problem(Code.EMPTY_CONTENT, f"message {number} has an empty content")
    elif isinstance(content, list):
        yield from _part_problems(content, number)
    else:
        yield Problem(Code.BAD_CONTENT, f"the content of message {number} is neither text nor list")


def _part_problems(parts: list[Any], number: int) -> Iterator[Problem]:
    if not parts:
        yield Problem(Code.EMPTY_CONTENT, f"message {number} has an empty list of parts")
    for place, part in enumerate(parts, 1):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            what = "is not an object with a type"
        elif part["type"] == "text" and not isinstance(part.get("text"), str):
            what = "is of type text and has no text"
        else:
            continue
        yield Problem(Code.BAD_CONTENT, f"part {place} of message {number} {what}")

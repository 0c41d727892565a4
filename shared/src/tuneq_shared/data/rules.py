"""What a chat line must look like. Source: the fine-tuning formats of OpenAI-compatible providers.

Almost every line of a real file has one plain shape, so `plain_texts` waves that through, and only
the others go through the rules one by one.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.message_rules import ROLES, content_text, full_text, message_problems
from tuneq_shared.data.metadata import metadata_problems
from tuneq_shared.data.tool_rules import answer_problems, tools_problems

TOP_LEVEL_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "metadata"})
_PLAIN_KEYS = 2  # role and content
_PLAIN_ROLES = ROLES - {"tool"}  # of which there is more to say
_OTHER_FORMATS = {
    "prompt": "the line has the old prompt and completion format",
    "preferred_output": "the line is a preference pair, for the method dpo",
}


class Use(StrEnum):
    """What a file is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    EVALUATION = "evaluation"


class Texts(NamedTuple):
    """The messages of a sound line, the target last, taken apart."""

    roles: list[str]
    texts: list[str]
    """Of each message its text, or JSON where there is more to it than text."""
    rejected: str = ""
    """Of a preference pair, the answer that is not preferred."""


def plain_texts(line: Any) -> Texts | None:
    """The texts of a line of the commonest shape, right in all but its metadata; else None.

    That is: messages of a known role and a text that is not blank, the assistant's last, and no
    other key than metadata.
    """
    roles: list[str] = []
    texts: list[str] = []
    try:
        if len(line) > 1 + ("metadata" in line):
            return None
        for message in line["messages"]:
            text = message["content"]
            role = message["role"]
            if len(message) > _PLAIN_KEYS or type(text) is not str or text.isspace():
                return None
            if role not in _PLAIN_ROLES:
                return None
            roles.append(role)
            texts.append(text)
    except (KeyError, TypeError):  # other JSON types have no such keys, or cannot be in a set
        return None
    return Texts(roles, texts) if roles[-1:] == ["assistant"] and all(texts) else None


def sound_texts(line: dict[str, Any]) -> Texts:
    """The texts of any line in which no error was found."""
    messages = line["messages"]
    used = messages[: (last_assistant(messages) or 0) + 1]
    return Texts([message["role"] for message in used], [full_text(message) for message in used])


def line_problems(line: Any, use: Use) -> Iterator[Problem]:
    """All that is wrong with one parsed line, in the order in which it is written."""
    if not isinstance(line, dict):
        yield Problem(Code.NOT_OBJECT, f"{_json_type(line)} where an object is expected")
        return
    if plain_texts(line) is None:
        yield from _unknown_keys(line)
        yield from _messages_problems(line, use)
    if line.get("metadata") is not None:
        yield from metadata_problems(line["metadata"], _target(line))


def last_assistant(messages: list[Any]) -> int | None:
    """The place of the last assistant message, which is the target."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, dict) and message.get("role") == "assistant":
            return place
    return None


def _unknown_keys(line: dict[str, Any]) -> Iterator[Problem]:
    for key in line:
        if key not in TOP_LEVEL_KEYS:
            yield Problem(Code.UNKNOWN_KEY, f"unknown key {key!r}")


def _messages_problems(line: dict[str, Any], use: Use) -> Iterator[Problem]:
    messages = line.get("messages")
    if not isinstance(messages, list) or not messages:
        yield Problem(Code.NO_MESSAGES, _why_no_messages(line))
        return
    for number, message in enumerate(messages, 1):
        yield from message_problems(message, number)
    yield from tools_problems(line)
    yield from answer_problems(messages, line.get("tools"))
    target = last_assistant(messages)
    if target is None:
        yield Problem(Code.NO_ASSISTANT, "no assistant message: there is nothing to learn")
    elif use is Use.EVALUATION:
        if target != len(messages) - 1:
            count = len(messages) - 1 - target
            yield Problem(Code.MESSAGES_AFTER_TARGET, f"{count} messages follow the target")
        if not content_text(messages[target]).strip():
            yield Problem(Code.TARGET_WITHOUT_TEXT, "the last assistant message has no text")
    else:
        yield from _training_problems(messages)


def _training_problems(messages: list[Any]) -> Iterator[Problem]:
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "assistant":
        role = last.get("role") if isinstance(last, dict) else None
        yield Problem(Code.LAST_NOT_ASSISTANT, f"the last message is of role {role!r}")
    weights = [
        message.get("weight", 1)
        for message in messages
        if isinstance(message, dict) and message.get("role") == "assistant"
    ]
    if all(type(weight) is int and weight == 0 for weight in weights):
        yield Problem(Code.ALL_WEIGHTS_ZERO, "every assistant message has weight 0")


def _why_no_messages(line: dict[str, Any]) -> str:
    for key, why in _OTHER_FORMATS.items():
        if key in line:
            return f"no messages: {why}"
    if "messages" not in line:
        return "no messages"
    value = line["messages"]
    return "messages is empty" if value == [] else f"messages is {_json_type(value)}, not a list"


def _target(line: dict[str, Any]) -> str | None:
    messages = line.get("messages")
    place = last_assistant(messages) if isinstance(messages, list) else None
    return content_text(messages[place]) if messages and place is not None else None


def _json_type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")

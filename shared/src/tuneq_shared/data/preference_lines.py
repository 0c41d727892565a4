"""Preference pairs: one input, an answer that is preferred, and one that is not.

Source of the format: OpenAI's guide to direct preference optimisation.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.lines import read_json_lines
from tuneq_shared.data.message_rules import content_text, full_text, message_problems
from tuneq_shared.data.metadata import metadata_problems
from tuneq_shared.data.rules import Texts
from tuneq_shared.data.tool_rules import answer_problems, tools_problems

_OUTPUTS = ("preferred_output", "non_preferred_output")
_KEYS = {"input", *_OUTPUTS, "metadata"}
_INPUT_KEYS = {"messages", "tools", "parallel_tool_calls"}


def pair_problems(line: Any) -> Iterator[Problem]:
    """All that is wrong with one parsed line."""
    if not isinstance(line, dict):
        yield Problem(Code.NOT_OBJECT, "the line is not an object")
        return
    if "messages" in line and "input" not in line:
        yield Problem(Code.NOT_A_PAIR, "the line is a supervised chat line")
        return
    for key in line:
        if key not in _KEYS:
            yield Problem(Code.UNKNOWN_KEY, f"unknown key {key!r}")
    yield from _input_problems(line.get("input"))
    for name in _OUTPUTS:
        yield from _output_problems(line.get(name), name)
    outputs = [line.get(name) for name in _OUTPUTS]
    if outputs[0] is not None and outputs[0] == outputs[1]:
        yield Problem(Code.SAME_OUTPUTS, "both outputs are the same")
    if line.get("metadata") is not None:
        answers = outputs[0] if isinstance(outputs[0], list) else []
        target = content_text(answers[-1]) if answers else None
        yield from metadata_problems(line["metadata"], target)


def pair_texts(line: dict[str, Any]) -> Texts:
    """The texts of a line in which no error was found; the preferred answer is the target."""
    inputs = line["input"]["messages"]
    preferred, rejected = ("".join(map(full_text, line[name])) for name in _OUTPUTS)
    return Texts(
        [*(message["role"] for message in inputs), "assistant"],
        [*map(full_text, inputs), preferred],
        rejected,
    )


def read_pairs(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes | Problem]]:
    """Each line's number, from 1, and the line as providers take it, or the first error in it.

    Blank lines are skipped; what only warrants a warning is let through.
    """
    for number, value in read_json_lines(lines):
        if isinstance(value, Problem):
            if value.is_error:
                yield number, value
            continue
        error = next((found for found in pair_problems(value) if found.is_error), None)
        if error is not None:
            yield number, error
            continue
        sent = {key: value[key] for key in ("input", *_OUTPUTS)}
        yield number, orjson.dumps(sent, option=orjson.OPT_APPEND_NEWLINE)


def _input_problems(given: Any) -> Iterator[Problem]:
    messages = given.get("messages") if isinstance(given, dict) else None
    if not isinstance(messages, list) or not messages:
        yield Problem(Code.NOT_A_PAIR, "input is not an object with messages")
        return
    for key in given:
        if key not in _INPUT_KEYS:
            yield Problem(Code.UNKNOWN_KEY, f"input has the unknown key {key!r}")
    for number, message in enumerate(messages, 1):
        yield from _placed("input", message_problems(message, number))
    yield from _placed("input", tools_problems(given))
    yield from _placed("input", answer_problems(messages, given.get("tools")))


def _output_problems(output: Any, name: str) -> Iterator[Problem]:
    if not isinstance(output, list) or not output:
        yield Problem(Code.BAD_OUTPUT, f"{name} is not a list of messages")
        return
    for number, message in enumerate(output, 1):
        yield from _placed(name, message_problems(message, number))
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("assistant", "tool"):
            what = f"{name}: message {number} is of role {role!r}"
            yield Problem(Code.BAD_OUTPUT, what)
    last = output[-1]
    if isinstance(last, dict) and last.get("role") == "tool":
        yield Problem(Code.BAD_OUTPUT, f"{name} does not end with an assistant message")


def _placed(where: str, problems: Iterable[Problem]) -> Iterator[Problem]:
    return (Problem(found.code, f"{where}: {found.message}") for found in problems)

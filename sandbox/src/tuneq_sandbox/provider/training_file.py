"""Chat lines: reading a training file, and refusing it as OpenAI does."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tuneq_sandbox.learner.model import Example
from tuneq_sandbox.provider.ids import count_tokens

MIN_LINES = 10
_KEYS = {"messages", "tools", "parallel_tool_calls", "functions"}
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class InvalidFileError(Exception):
    """What is wrong with a file, and in which line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """A file that may be trained on."""

    lines: int
    examples: int
    """Answers to learn: one for each assistant message that has a weight."""
    tokens: int


def inspect_file(path: Path) -> FileReport:
    """Look a file through.

    Raises:
        InvalidFileError: a line is wrong, or there are too few.
    """
    lines = examples = tokens = 0
    for messages in _read_lines(path):
        lines += 1
        examples += len(examples_of(messages))
        tokens += sum(count_tokens(text_of(message)) for message in messages)
    if lines < MIN_LINES:
        raise InvalidFileError(
            f"File has {lines} example(s), but must have at least {MIN_LINES} examples."
        )
    if not examples:
        raise InvalidFileError("No assistant message in the file has a weight of 1.")
    return FileReport(lines=lines, examples=examples, tokens=tokens)


def read_examples(path: Path) -> list[Example]:
    """All that there is to learn in a file.

    Raises:
        InvalidFileError: a line is wrong.
    """
    return [example for messages in _read_lines(path) for example in examples_of(messages)]


def examples_of(messages: list[dict[str, Any]]) -> list[Example]:
    """Every weighted assistant message with the user message before it."""
    found = []
    prompt = ""
    for message in messages:
        if message["role"] == "user":
            prompt = text_of(message)
        elif message["role"] == "assistant" and message.get("weight") != 0:
            answer = text_of(message)
            if answer:
                found.append(Example(prompt, answer))
    return found


def text_of(message: dict[str, Any]) -> str:
    """The words of a message; parts of text are put together."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


def _read_lines(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield _read_line(line, number)


def _read_line(line: bytes, number: int) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InvalidFileError(
            "Expected file to have JSONL format, where every line is a valid JSON dictionary. "
            f"Line {number} is not valid JSON."
        ) from error
    if not isinstance(document, dict):
        raise InvalidFileError(
            "Expected file to have JSONL format, where every line is a valid JSON dictionary. "
            f"Line {number} is not a dictionary."
        )
    unknown = sorted(document.keys() - _KEYS)
    if unknown:
        raise InvalidFileError(f"Line {number} has an unexpected key: {unknown[0]!r}.")
    messages = document.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidFileError(f"Line {number} has no list of messages.")
    for message in messages:
        problem = message_problem(message)
        if problem:
            raise InvalidFileError(f"Line {number}: {problem}.")
    if messages[-1]["role"] != "assistant":
        raise InvalidFileError(f"Line {number}: the last message must be from the assistant.")
    return messages


def message_problem(message: Any) -> str | None:
    """What is wrong with a chat message, or None."""
    if not isinstance(message, dict):
        return "a message is not a dictionary"
    if message.get("role") not in _ROLES:
        return f"{message.get('role')!r} is not a role"
    if message.get("weight") not in (None, 0, 1):
        return "weight must be 0 or 1"
    return _content_problem(message)


def _content_problem(message: dict[str, Any]) -> str | None:
    content = message.get("content")
    if content is None and message["role"] == "assistant":
        return None if message.get("tool_calls") or message.get("function_call") else "no content"
    if isinstance(content, list):
        texts = [
            part.get("text")
            for part in content
            if isinstance(part, dict) and part.get("type") == "text"
        ]
        good = len(texts) == len(content) and all(isinstance(text, str) for text in texts)
        return None if good else "only parts of type text are read here"
    return None if isinstance(content, str) else "content must be a string"

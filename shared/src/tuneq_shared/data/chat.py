"""Chat lines: what a dataset consists of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import read_json_lines
from tuneq_shared.data.message_rules import content_text
from tuneq_shared.data.metadata import Metadata
from tuneq_shared.data.rules import Use, last_assistant, line_problems


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLine:
    """One sound line of a dataset; its JSON parts are kept as the file has them."""

    messages: tuple[dict[str, Any], ...]
    metadata: Metadata | None = None
    passthrough: dict[str, Any]
    """`tools` and `parallel_tool_calls`, where the line has them."""

    @property
    def inputs(self) -> tuple[dict[str, Any], ...]:
        """The messages before the target."""
        return self.messages[: last_assistant(list(self.messages))]

    @property
    def target(self) -> str:
        """The text of the last assistant message."""
        place = last_assistant(list(self.messages))
        return "" if place is None else content_text(self.messages[place])

    def without_metadata(self) -> bytes:
        """The line as providers take it: JSON without metadata, and a newline."""
        line = {"messages": self.messages, **self.passthrough}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_chat(lines: Iterable[bytes], use: Use) -> Iterator[tuple[int, ChatLine | Problem]]:
    """Each line's number, from 1, and the chat line or the first error in it.

    Blank lines are skipped; what only warrants a warning is let through.
    """
    for number, value in read_json_lines(lines):
        if isinstance(value, Problem):
            if value.is_error:
                yield number, value
            continue
        error = next((found for found in line_problems(value, use) if found.is_error), None)
        yield number, error or _chat_line(value)


def _chat_line(value: dict[str, Any]) -> ChatLine:
    metadata = value.get("metadata")
    return ChatLine(
        messages=tuple(value["messages"]),
        metadata=None if metadata is None else Metadata.from_json(metadata),
        passthrough={key: value[key] for key in value if key not in {"messages", "metadata"}},
    )

"""Chat lines as the rest of the system reads them."""

import hashlib
from io import BytesIO

import orjson
import pytest

from tuneq_shared.data.chat import ChatLine, read_chat
from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.digest import sha256_of_messages, sha256_of_stream
from tuneq_shared.data.metadata import Metadata
from tuneq_shared.data.rules import Use
from tuneq_shared.data.tokens import (
    tokens_of_characters,
    training_cost_usd,
)

U = {"role": "user", "content": "Q"}
A = {"role": "assistant", "content": "A"}


def one(value: object, use: Use = Use.EVALUATION) -> ChatLine:
    [(_, line)] = read_chat([orjson.dumps(value)], use)
    assert isinstance(line, ChatLine)
    return line


def test_the_target_is_the_last_assistant_message_and_the_inputs_are_before_it() -> None:
    line = one({"messages": [U, {**A, "content": "no"}, U, A, U]})
    assert line.target == "A"
    assert line.inputs == (U, {**A, "content": "no"}, U)


def test_a_target_in_parts_is_their_text() -> None:
    parts = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert one({"messages": [U, {"role": "assistant", "content": parts}]}).target == "AB"


def test_metadata_is_read_and_taken_off_and_the_tools_stay() -> None:
    metadata = {"choices": ["x", "y"], "label": "l", "subject": "s", "own": 1}
    tools = [{"type": "function", "function": {"name": "f"}}]
    line = one({"messages": [U, A], "tools": tools, "metadata": metadata})
    assert line.metadata == Metadata(choices=("x", "y"), label="l", subject="s")
    raw = line.without_metadata()
    assert raw.endswith(b"\n")
    assert orjson.loads(raw) == {"messages": [U, A], "tools": tools}


def test_a_bad_line_is_a_problem_in_its_place_and_warnings_are_passed_over() -> None:
    lines = [
        b"\xef\xbb\xbf" + orjson.dumps({"messages": [U, A]}) + b"\n",
        b"\n",
        b"{\n",
        orjson.dumps({"messages": [U, A, U]}),
        orjson.dumps({"messages": [U]}),
    ]
    found = {
        number: line.code if isinstance(line, Problem) else None
        for number, line in read_chat(lines, Use.EVALUATION)
    }
    assert found == {1: None, 3: Code.NOT_JSON, 4: None, 5: Code.NO_ASSISTANT}


def test_the_digest_of_messages_is_that_of_their_canonical_json() -> None:
    canonical = '[{"content":"Q\u00e9","role":"user"}]'.encode()
    expected = hashlib.sha256(canonical).hexdigest()
    assert sha256_of_messages([{"role": "user", "content": "Q\u00e9"}]) == expected
    assert sha256_of_messages(({"content": "Q\u00e9", "role": "user"},)) == expected


def test_the_digest_of_a_stream_is_that_of_all_its_bytes() -> None:
    content = bytes(range(256)) * 10_000
    assert sha256_of_stream(BytesIO(content)) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_tokens_are_a_quarter_of_the_characters_rounded_up(text: str, tokens: int) -> None:
    assert tokens_of_characters(len(text)) == tokens


def test_training_costs_tokens_times_epochs() -> None:
    assert training_cost_usd(2_000_000, epochs=3, usd_per_million=5.0) == 30.0

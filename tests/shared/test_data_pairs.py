"""Preference pairs."""

from typing import Any

import orjson
import pytest

from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.preference_lines import pair_problems, read_pairs

USER = {"role": "user", "content": "Q"}


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": text}]


def pair(question: str = "Q", **changes: Any) -> dict[str, Any]:
    return {
        "input": {"messages": [{"role": "user", "content": question}]},
        "preferred_output": said("good"),
        "non_preferred_output": said("bad"),
        **changes,
    }


CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "no"}}],
}


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ([], Code.NOT_OBJECT, "not an object"),
        ({"messages": [USER, *said("A")]}, Code.NOT_A_PAIR, "a supervised chat line"),
        (pair(input="Q"), Code.NOT_A_PAIR, "input is not an object with messages"),
        (pair(input={"messages": []}), Code.NOT_A_PAIR, "with messages"),
        (pair(input={"messages": [USER], "x": 1}), Code.UNKNOWN_KEY, "input has the unknown"),
        (pair(input={"messages": ["Q"]}), Code.MESSAGE_NOT_OBJECT, "input: message 1"),
        (pair(input={"messages": [USER], "tools": "f"}), Code.BAD_TOOLS, "input: tools"),
        (pair(id=1), Code.UNKNOWN_KEY, "'id'"),
        (pair(preferred_output="good"), Code.BAD_OUTPUT, "preferred_output is not a list"),
        (pair(non_preferred_output=[]), Code.BAD_OUTPUT, "non_preferred_output is not a list"),
        (pair(preferred_output=[USER]), Code.BAD_OUTPUT, "message 1 is of role 'user'"),
        (pair(preferred_output=said("")), Code.EMPTY_CONTENT, "preferred_output: message 1"),
        (pair(preferred_output=[CALL]), Code.BAD_ARGUMENTS, "are not JSON"),
        (pair(metadata=[]), Code.BAD_METADATA, "metadata is not an object"),
    ],
)
def test_what_is_wrong_with_a_pair(line: Any, code: Code, words: str) -> None:
    [problem] = [problem for problem in pair_problems(line) if problem.is_error]
    assert problem.code is code
    assert words in problem.message


def test_pairs_are_read_as_providers_take_them() -> None:
    line = pair(metadata={"label": "l"})
    [(_, sent), (number, wrong)] = read_pairs([orjson.dumps(line), b"\n", b"{}"])
    assert isinstance(sent, bytes)
    assert orjson.loads(sent) == pair()
    assert number == 3
    assert isinstance(wrong, Problem)


def test_files_of_pairs_are_checked_like_others() -> None:
    lines = [pair(f"question {number}") for number in range(10)]
    lines += [lines[3], pair("held out", metadata={"label": "l"}), pair("?", input=1)]
    lines.append(pair("alike", non_preferred_output=said("good")))
    chat = {"messages": [{"role": "user", "content": "held  out"}, *said("good")]}
    report = check_datasets(
        Source("t", [orjson.dumps(line) for line in lines]),
        validation=Source("v", [orjson.dumps(chat)]),
        evaluation=Source("e", [orjson.dumps(chat)]),
        pairs=True,
    )
    assert [(found.file, found.line, found.code) for found in report.findings] == [
        ("t", 11, Code.DUPLICATE),
        ("t", 13, Code.NOT_A_PAIR),
        ("t", 14, Code.SAME_OUTPUTS),
        ("v", 1, Code.NOT_A_PAIR),
        ("e", 1, Code.OVERLAP_INPUTS_NORMALISED),
    ]
    train = report.files[0]
    assert (train.examples, train.answers, train.labels) == (13, {"good": 13}, {"l": 1})
    assert train.tokens == 11 * 5 + 4 + 4  # 10 + 4 + 3 characters; 8 + 4 + 3; 5 + 4 + 4


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ({"messages": [USER, *said("A")]}, {("v", Code.NOT_A_PAIR)}),
        (pair(), {("e", Code.NO_MESSAGES), ("e", Code.UNKNOWN_KEY)}),
    ],
)
def test_no_file_holds_both_pairs_to_validate_and_questions_to_evaluate(
    line: dict[str, Any], faults: set[tuple[str, Code]], *, once: bool
) -> None:
    train = Source("t", [orjson.dumps(pair(f"{number}?")) for number in range(10)])
    lines = [orjson.dumps(line)] * 2
    both = Source("both", iter(lines) if once else lines)
    report = check_datasets(train, validation=both, evaluation=both, pairs=True)
    validation, evaluation = report.files[1:]
    found = {"v": validation.counts, "e": evaluation.counts}
    errors = {Code.NOT_A_PAIR, Code.NO_MESSAGES, Code.UNKNOWN_KEY}
    assert {(use, code) for use in found for code in found[use] if code in errors} == faults
    assert not report.ok


def test_pairs_are_no_chat_lines() -> None:
    report = check_datasets(Source("t", [orjson.dumps(pair())] * 10))
    assert report.counts[Code.NO_MESSAGES] == 10
    assert "the method dpo" in next(
        found.message for found in report.findings if found.code is Code.NO_MESSAGES
    )

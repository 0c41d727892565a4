"""Lines that are not JSON are explained."""

import pytest

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.lines import read_json_lines

ANSWER = '{"role": "assistant", "content": "A"}'


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        # The two faults of the published example.
        (f'{{"messages":" [{{"role": "user", "content": "Q"}}, {ANSWER}]}}', 18, "after the colon"),
        (
            f'{{"messages": [["role": "user", "content": "Q"}}, {ANSWER}]}}',
            22,
            "a bracket [ stands where a brace {",
        ),
        # Other ways to make the same two slips.
        (f'{{"messages:" [{{"role": "user", "content": "Q"}}, {ANSWER}]}}', 14, "after the colon"),
        ('{"messages": [{"role": "user", "content": ""Context: x"}]}', 45, "a second quote"),
        ('{"messages": ["role": "user"]}', 21, "a bracket [ stands where a brace {"),
        ('{"messages": [{"role": "user"]]}', 30, "] stands where } should close"),
        ('{"messages": [{"role": "user"}}', 31, "} stands where ] should close"),
        # What else people write.
        ("{'messages': []}", 2, "straight double quote"),
        ("{\u201cmessages\u201d: []}", 2, "straight double quote"),
        ('{"messages": [{"content": "he said "hi""}]}', 37, "must be written as"),
        ('{"messages": [1, 2,]}', None, "a comma too many"),
        ('{"messages": [{"a": 1} {"b": 2}]}', 24, "a comma is missing before {"),
        ('{"messages": None}', 14, "a Python value"),
        ('{"messages": [', 15, "the line ends before ]} is written"),
        ('{"messages": "a', 14, "a text is not closed"),
        ('{"a": "tab\there"}', 11, "inside a text must be written"),
        ('{"a": 1}{"a": 2}', 9, "one object a line"),
        ('{"a": NaN}', None, "expected a JSON value"),
        ("[" * 5000, None, "not JSON"),
    ],
)
def test_a_broken_line_is_explained(line: str, column: int | None, reason: str) -> None:
    [(number, problem)] = read_json_lines([line.encode() + b"\n"])
    assert number == 1
    assert isinstance(problem, Problem)
    assert problem.code is Code.NOT_JSON
    assert reason in problem.message
    if column is not None:
        assert f"column {column}:" in problem.message


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_lines_may_end_in_any_way(end: bytes) -> None:
    assert list(read_json_lines([b'{"a":1}' + end, b"[2]" + end])) == [(1, {"a": 1}), (2, [2])]


def test_a_byte_order_mark_is_reported_and_the_line_is_read() -> None:
    first, second = read_json_lines([b'\xef\xbb\xbf{"a":1}\n'])
    assert first[1].code is Code.BYTE_ORDER_MARK
    assert second == (1, {"a": 1})


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        (b" \r\n", Code.BLANK_LINE, "blank"),
        (b'{"a": "caf\xe9"}\n', Code.NOT_UTF8, "byte 11 of the line: 0xe9"),
        ('{"a": 1}\n'.encode("utf-16"), Code.NOT_UTF8, "UTF-16"),
    ],
)
def test_lines_without_json_text(raw: bytes, code: Code, words: str) -> None:
    [(_, problem)] = read_json_lines([raw])
    assert problem.code is code
    assert words in problem.message

"""The check of datasets."""

from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.codes import Code, Severity
from tuneq_shared.data.overlap import fold
from tuneq_shared.data.report import CheckReport
from tuneq_shared.data.rules import Use


def chat(question: str, answer: str = "A", **more: Any) -> bytes:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return orjson.dumps({"messages": messages, **more}) + b"\n"


SOUND = [chat(f"question number {number}") for number in range(10)]


def check(*lines: bytes, **more: Any) -> CheckReport:
    """Check ten sound lines and then these, which stand from line 11 on."""
    for use in ("validation", "evaluation"):
        if use in more:
            more[use] = Source(f"{use}.jsonl", more[use])
    return check_datasets(Source("train.jsonl", [*SOUND, *lines]), **more)


def test_a_sound_file_is_ok() -> None:
    report = check()
    assert report.ok
    assert report.findings == ()
    [file] = report.files
    assert (file.uses, file.lines, file.examples) == ((Use.TRAIN,), 10, 10)
    assert file.tokens == 10 * 5  # 17 + 1 characters each
    assert file.answers == {"A": 10}
    assert file.labels == {}


def test_findings_say_where_what_and_what_to_do() -> None:
    [finding] = check(b"{'messages': []}\n").findings
    assert (finding.file, finding.line) == ("train.jsonl", 11)
    assert (finding.code, finding.severity) == (Code.NOT_JSON, Severity.ERROR)
    assert "straight double quote" in finding.message
    assert finding.hint


def test_faulty_lines_are_counted_and_not_used() -> None:
    report = check(b"\n", b"{\n", chat(""), chat("unlabelled", id=1), chat("fine"))
    assert report.counts == {
        Code.BLANK_LINE: 1,
        Code.NOT_JSON: 1,
        Code.EMPTY_CONTENT: 1,
        Code.UNKNOWN_KEY: 1,
    }
    assert (report.errors, report.warnings, report.ok) == (3, 1, False)
    assert (report.files[0].lines, report.files[0].examples) == (14, 11)


def test_all_are_counted_and_some_are_listed() -> None:
    report = check(*[b"{\n"] * 1000)
    assert report.counts[Code.NOT_JSON] == 1000
    assert [finding.line for finding in report.findings] == list(range(11, 31))


@pytest.mark.parametrize(("count", "ok"), [(0, False), (9, False), (10, True)])
def test_ten_examples_are_the_least(count: int, ok: bool) -> None:
    report = check_datasets(Source("t", SOUND[:count]))
    assert report.ok is ok
    assert [finding.code for finding in report.findings] == [Code.TOO_FEW] * (not ok)


def test_other_files_may_be_small_but_not_empty() -> None:
    assert check(validation=[chat("v")]).ok
    assert check(evaluation=[b"\n"]).counts[Code.NO_EXAMPLES] == 1


def test_long_examples_are_refused_where_there_is_a_limit() -> None:
    assert check(chat("x" * 400)).ok
    report = check(chat("x" * 400), max_example_tokens=100)
    assert report.counts == {Code.TOO_LONG: 1}
    assert "about 101 tokens" in report.findings[0].message


def test_repeated_training_lines_are_told_apart() -> None:
    report = check(
        chat("Why?", "Because"),
        chat(" why?", "BECAUSE"),  # of 11, but for case and whitespace
        chat("Why?", "Because"),  # of 11
        chat(" why?", "BECAUSE"),  # of 12
        chat("Why?", "Because", metadata={"label": "other"}),  # of 11: metadata is not trained on
        chat("Why?", "No"),  # another answer: none
    )
    assert [(finding.line, finding.code, finding.message) for finding in report.findings] == [
        (
            12,
            Code.DUPLICATE_NORMALISED,
            "the same line as train.jsonl:11 but for case and whitespace",
        ),
        (13, Code.DUPLICATE, "the same line as train.jsonl:11"),
        (14, Code.DUPLICATE, "the same line as train.jsonl:12"),
        (15, Code.DUPLICATE, "the same line as train.jsonl:11"),
    ]
    assert report.ok


@pytest.mark.parametrize("use", ["validation", "evaluation"])
@pytest.mark.parametrize(
    ("line", "code"),
    [
        (chat("Why?", "Because"), Code.OVERLAP_LINE),
        (chat("Why?", "No"), Code.OVERLAP_INPUTS),
        (chat(" WHY?", "because"), Code.OVERLAP_LINE_NORMALISED),
        (chat(" WHY?", "No"), Code.OVERLAP_INPUTS_NORMALISED),
        (chat("How?", "Because"), None),
    ],
)
def test_lines_of_other_files_that_were_trained_on(use: str, line: bytes, code: Code) -> None:
    report = check(chat("Why?", "Because"), **{use: [b"\n", line]})
    found = [finding for finding in report.findings if finding.code is not Code.BLANK_LINE]
    if code is None:
        assert found == []
        return
    [finding] = found
    assert (finding.code, finding.file, finding.line) == (code, f"{use}.jsonl", 2)
    assert "train.jsonl:11" in finding.message
    assert report.ok
    assert not check(chat("Why?", "Because"), **{use: [line]}, strict=True).ok


def test_the_same_text_in_another_role_is_another_line() -> None:
    messages = [{"role": "system", "content": "Why?"}, {"role": "assistant", "content": "A"}]
    other = orjson.dumps({"messages": messages})
    assert check(chat("Why?"), other, validation=[other]).counts == {Code.OVERLAP_LINE: 1}


def test_duplicates_within_the_other_files_are_their_own_affair() -> None:
    assert check(validation=[chat("v"), chat("v")], evaluation=[chat("v")]).counts == {}


def test_a_file_for_validation_and_evaluation_is_read_once() -> None:
    both = Source("both.jsonl", iter([SOUND[0], chat("v")]))
    report = check_datasets(Source("train.jsonl", SOUND), validation=both, evaluation=both)
    assert report.counts == {Code.OVERLAP_LINE: 1}
    assert report.files[1].uses == (Use.VALIDATION, Use.EVALUATION)
    assert report.files[1].examples == 2


def test_a_file_of_two_uses_must_serve_both() -> None:
    function = {"name": "f", "arguments": "{}"}
    called = {"id": "c", "type": "function", "function": function}
    call = {"role": "assistant", "tool_calls": [called]}
    line = orjson.dumps({"messages": [{"role": "user", "content": "v"}, call]})
    both = Source("both.jsonl", [line, chat("", "")])
    report = check_datasets(Source("train.jsonl", SOUND), validation=both, evaluation=both)
    # The two empty messages are told once, though both uses refuse them.
    assert report.counts == {Code.TARGET_WITHOUT_TEXT: 2, Code.EMPTY_CONTENT: 2}


def test_labels_and_short_answers_are_counted() -> None:
    labelled = [chat(f"q{n}", "no" if n % 3 else "yes", metadata={"label": "x"}) for n in range(12)]
    [file] = check_datasets(Source("t", labelled)).files
    assert file.labels == {"x": 12}
    assert file.answers == {"no": 8, "yes": 4}


@pytest.mark.parametrize("answers", [["long " * 20], [str(n) for n in range(201)]])
def test_answers_that_are_no_classes_are_not_counted(answers: list[str]) -> None:
    lines = [chat(f"q{n}", answer) for n, answer in enumerate(answers)]
    assert check(*lines).files[0].answers == {}


def test_the_report_as_json_is_complete() -> None:
    report = check(b"{\n", validation=[SOUND[3]], strict=True)
    document = orjson.loads(orjson.dumps(report.to_json()))
    assert document["ok"] is False
    assert (document["errors"], document["warnings"]) == (2, 0)
    assert document["token_method"] == "characters/4"
    assert document["counts"] == {"not_json": 1, "overlap_line": 1}
    assert [file["uses"] for file in document["files"]] == [["train"], ["validation"]]
    assert document["files"][1]["counts"] == {"overlap_line": 1}
    assert document["findings"][1] == {
        "code": "overlap_line",
        "severity": "error",
        "file": "validation.jsonl",
        "line": 1,
        "message": "the same line as train.jsonl:4",
        "hint": report.findings[1].hint,
    }


TEXTS = st.sampled_from(
    [
        "a",
        "A",
        " a",
        "ab",
        "a b",
        "A \t\nb ",
        "c\u00df",
        "CSS",
        "\u00a0css",
        "c ss",
        "C\u00a0 \u00df",
    ]
)


def naive_fold(text: str) -> str:
    return " ".join(text.casefold().split())


def naive_code(line: tuple[str, str], train: list[tuple[str, str]]) -> Code | None:
    """The strongest likeness, by comparing with every training line."""
    both = tuple(map(naive_fold, line))
    if line in train:
        return Code.OVERLAP_LINE
    if line[0] in [question for question, _ in train]:
        return Code.OVERLAP_INPUTS
    if both in [tuple(map(naive_fold, other)) for other in train]:
        return Code.OVERLAP_LINE_NORMALISED
    if both[0] in [naive_fold(question) for question, _ in train]:
        return Code.OVERLAP_INPUTS_NORMALISED
    return None


@given(st.text(alphabet="aA\u00df \n\t\x1c\u00a0\u3000"), st.text(alphabet="b \n"))
def test_folding_a_joined_line_folds_each_of_its_texts(first: str, second: str) -> None:
    expected = f"{naive_fold(first)}\0{naive_fold(second)}".encode()
    assert fold(f"{first}\0{second}") == expected


@given(st.lists(st.tuples(TEXTS, TEXTS)), st.lists(st.tuples(TEXTS, TEXTS), min_size=1))
def test_overlap_is_what_comparing_all_with_all_finds(
    train: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    lines = [chat(question, answer) for question, answer in train]
    report = check(*lines, evaluation=[chat(question, answer) for question, answer in other])
    expected = Counter(code for line in other if (code := naive_code(line, train)))
    assert report.files[1].counts == expected
    repeats = len(train) - len({tuple(map(naive_fold, line)) for line in train})
    counts = report.files[0].counts
    assert repeats == counts.get(Code.DUPLICATE, 0) + counts.get(Code.DUPLICATE_NORMALISED, 0)
    exact = len(train) - len(set(train))
    assert exact == counts.get(Code.DUPLICATE, 0)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_check(content: bytes) -> None:
    report = check_datasets(Source("t", content.splitlines(keepends=True)))
    assert not report.ok

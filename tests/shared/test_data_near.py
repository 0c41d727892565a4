"""Lines that are nearly alike."""

import random
from typing import Any

import orjson
import pytest

from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.codes import Code
from tuneq_shared.data.near_lines import NEARLY, shingles_of
from tuneq_shared.data.report import CheckReport

WORDS = [f"{first}{last}" for first in "bdfgklmnprst" for last in ("ale", "oru", "ime", "ustan")]
DRAW = random.Random(3)
TEXTS = [" ".join(DRAW.choices(WORDS, k=40)) for _ in range(60)]


def line(text: str, answer: str = "A") -> bytes:
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]
    return orjson.dumps({"messages": messages}) + b"\n"


def near(train: list[bytes], *evaluation: bytes, **more: Any) -> CheckReport:
    return check_datasets(Source("t", train), evaluation=Source("e", evaluation), near=True, **more)


def changed(text: str, *places: int) -> str:
    words = text.split()
    for place in places:
        words[place] = "other"
    return " ".join(words)


def test_a_word_that_is_changed_makes_a_near_duplicate_and_many_do_not() -> None:
    train = [line(text) for text in TEXTS]
    train += [line(changed(TEXTS[7], 20), "B"), line(changed(TEXTS[8], *range(0, 40, 4)))]
    report = near(train, line(changed(TEXTS[9], 0, 39)), line("nothing like it " * 3))
    assert [(found.file, found.line, found.code) for found in report.findings] == [
        ("t", 61, Code.NEAR_DUPLICATE),
        ("e", 1, Code.NEAR_OVERLAP),
    ]
    assert "like those of t:8" in report.findings[0].message
    assert "like those of t:10" in report.findings[1].message
    assert report.ok
    assert not near(train, strict=True).ok


def test_what_repeats_a_line_exactly_is_told_once() -> None:
    report = near([line(text) for text in [*TEXTS, TEXTS[0]]], line(TEXTS[1]))
    assert report.counts == {Code.DUPLICATE: 1, Code.OVERLAP_LINE: 1}


def test_the_same_question_with_another_answer_is_told() -> None:
    report = near([line(TEXTS[0]), *map(line, TEXTS), line(TEXTS[0], "B")], line("x"))
    assert report.counts == {Code.DUPLICATE: 1, Code.NEAR_DUPLICATE: 1}
    assert "100% like those of t:1" in report.findings[-1].message


def test_a_template_that_all_lines_have_is_no_likeness() -> None:
    template = " ".join(WORDS)
    train = [line(f"{template} {text}") for text in TEXTS]
    twin = line(f"{template} {changed(TEXTS[5], 3)}")
    assert near(train, twin).counts == {Code.NEAR_OVERLAP: 1}
    assert shingles_of(template) <= shingles_of(f"{template} {TEXTS[0]}")


@pytest.mark.parametrize("text", ["", "one", "one two"])
def test_texts_that_are_too_short_are_not_compared(text: str) -> None:
    assert shingles_of(text) == set()


def test_texts_without_spaces_are_compared_by_characters() -> None:
    text = "".join(map(chr, DRAW.sample(range(0x4E00, 0x9FFF), 60)))
    one, other = shingles_of(text), shingles_of(text.replace(text[-1], "x"))
    assert len(one & other) / len(one | other) > NEARLY

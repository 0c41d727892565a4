"""The scorers beside `choice` and `exact`."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.domain.evaluation import EvaluationSpec, Outcome
from tuneq_shared.settings import Settings
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers import Score, UnusableScorerError, scorer_of
from tuneq_worker.evaluation.scorers.normalised import normalised
from tuneq_worker.evaluation.scorers.numeric import read_number

CORRECT, WRONG, UNPARSED = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED


def score(answer: str, target: str, scorer: str, **options: Any) -> Score:
    sample = Sample(index=0, messages=(), target=target)
    spec = EvaluationSpec(
        account="a",
        model="m",
        dataset="d",
        dataset_digest="d",
        scorer=scorer,
        max_tokens=1,
        temperature=0,
        scorer_options=options,
    )
    return scorer_of(spec, Settings())(answer, sample)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris", " paris.\n"),
        ('"Paris"', "**PARIS**"),
        ("New   York", "new\nyork!"),
        ("\uff30aris\uff0c France", "Paris, France"),
        ("Stra\u00dfe", "STRASSE"),
        ("\u00abOui\u00bb", "oui"),
        ("- yes", "Yes"),
        ("caf\u00e9", "cafe\u0301"),
        ("3.5.", "3.5"),
        ("(-5)", "-5"),
        ("...", ""),
    ],
)
def test_words_set_otherwise_are_the_same(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3.5", "35"),
        ("-5", "5"),
        (".5", "5"),
        ("5%", "5"),
        ("C#", "C"),
        ("resume", "r\u00e9sum\u00e9"),
        ("new york", "newyork"),
        ("$5", "5"),
    ],
)
def test_what_says_something_else_stays_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(st.text(max_size=30))
def test_to_normalise_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("It is Paris, of course", CORRECT),
        ("Paris", CORRECT),
        ("Parisian", WRONG),
        ("Parisian or Paris", CORRECT),
        ("paris", WRONG),
        ("", WRONG),
    ],
)
def test_contains(answer: str, outcome: Outcome) -> None:
    assert score(answer, " Paris ", "contains").outcome is outcome


def test_contains_without_regard_to_case() -> None:
    assert score("PARIS!", "Paris", "contains", ignore_case=True) == Score(CORRECT, "paris")
    assert score("x", "", "contains").outcome is WRONG


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("42", "42"),
        ("The answer is 42.", "42"),
        ("-5", "-5"),
        ("\u22127", "-7"),
        ("+3", "3"),
        ("-$1,234.50", "-1234.50"),
        ("1'000'000", "1000000"),
        ("1\u202f000", "1000"),
        ("1_000", "1000"),
        ("1.5e3", "1500"),
        ("1.5 x 10^3", "1500"),
        ("2\u00d710^-2", "0.02"),
        (".5", "0.5"),
        ("50 %", "50"),
        ("5kg", "5"),
        ("5, or 5.0", "5"),
        ("covid-19", "19"),
        ("B2", None),
        ("v1.2", None),
        ("3 or 4", None),
        ("2-3", None),
        ("3/4", None),
        ("1,5", None),
        ("1.2.3", None),
        ("1234,567", None),
        ("12:30", None),
        ("1e99999", None),
        ("none", None),
        ("", None),
    ],
)
def test_a_number_is_read_and_never_guessed(text: str, number: str | None) -> None:
    assert read_number(text, "only") == (number and Decimal(number))


@given(st.integers(-(10**12), 10**12), st.sampled_from(["{}", "{:,}", "{:_}", "is {:,}.", "{}.0"]))
def test_numbers_are_read_as_they_are_written(number: int, form: str) -> None:
    assert read_number(form.format(number), "only") == number


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        ("100.0", {}, Score(CORRECT, "100.0")),
        ("100.1", {}, Score(WRONG, "100.1")),
        ("100.1", {"absolute": 0.1}, Score(CORRECT, "100.1")),
        ("99.89", {"absolute": 0.1}, Score(WRONG, "99.89")),
        ("101", {"relative": 0.01}, Score(CORRECT, "101")),
        ("101.1", {"relative": 0.01}, Score(WRONG, "101.1")),
        ("50 + 50 = 100", {"take": "last"}, Score(CORRECT, "100")),
        ("50 + 50 = 100", {}, Score(UNPARSED, None)),
        ("I do not know", {}, Score(UNPARSED, None)),
    ],
)
def test_numeric(answer: str, options: dict[str, Any], expected: Score) -> None:
    assert score(answer, "100", "numeric", **options) == expected


@pytest.mark.parametrize(
    ("answer", "options", "expected"),
    [
        ("#### 42", {"pattern": r"#### (\S+)"}, Score(CORRECT, "42")),
        ("#### 41", {"pattern": r"#### (\S+)"}, Score(WRONG, "41")),
        ("42", {"pattern": r"#### (\S+)"}, Score(UNPARSED, None)),
        ("42 and 42", {"pattern": r"\d+"}, Score(CORRECT, "42")),
        ("41 and 42", {"pattern": r"\d+"}, Score(UNPARSED, None)),
        ("41 and 42", {"pattern": r"\d+", "take": "last"}, Score(CORRECT, "42")),
        ("42 and 41", {"pattern": r"\d+", "take": "first"}, Score(CORRECT, "42")),
        ("a=41 b=42", {"pattern": r"a=(\d+) b=(\d+)", "group": 2}, Score(CORRECT, "42")),
        ("a=41", {"pattern": r"a=(?P<n>\d+)", "group": "n"}, Score(WRONG, "41")),
        ("a=42", {"pattern": r"a=(\d+)", "group": 0}, Score(WRONG, "a=42")),
        ("x" * 1001, {"pattern": "x"}, Score(UNPARSED, None)),
    ],
)
def test_regex(answer: str, options: dict[str, Any], expected: Score) -> None:
    assert score(answer, "42", "regex", **options) == expected


def test_a_target_is_read_by_the_same_pattern_where_it_fits() -> None:
    target = "3 + 4 = 7\n#### 7"
    assert score("#### 7", target, "regex", pattern=r"#### (\d+)").outcome is CORRECT


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pattern": "("}, "no regular expression that RE2 takes"),
        ({"pattern": "(?=a)"}, "no regular expression that RE2 takes"),
        ({"pattern": r"(a)\1"}, "no regular expression that RE2 takes"),
        ({"pattern": "((((a{1000}){1000}){1000}){1000})"}, "no regular expression that RE2"),
        ({"pattern": "(a)", "group": 2}, "no group 2"),
        ({"pattern": "(a)", "group": "n"}, "no group 'n'"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UnusableScorerError, match=words):
        score("a", "a", "regex", **options)


def test_no_pattern_makes_an_answer_take_for_ever() -> None:
    score("a" * 100_000 + "!", "a", "regex", pattern="(a+)+$")
    score("1," * 50_000, "1", "numeric")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"b": {"c": [1, 2]}, "a": 1.0}', (CORRECT, {"a": True, "b.c": True})),
        ('```json\n{"a": 1, "b": {"c": [1, 2]}}\n```', (CORRECT, {"a": True, "b.c": True})),
        ('{"a": 1, "b": {"c": [2, 1]}}', (WRONG, {"a": True, "b.c": False})),
        ('{"a": true, "b": {"c": [1, 2]}}', (WRONG, {"a": False, "b.c": True})),
        ('{"a": 1, "b": {"c": [1, 2]}, "d": 0}', (WRONG, {"a": True, "b.c": True})),
        ('{"a": 1}', (WRONG, {"a": True, "b.c": False})),
        ("[]", (WRONG, {"a": False, "b.c": False})),
        ('Here: {"a": 1}', (UNPARSED, {"a": False, "b.c": False})),
        ("{'a': 1}", (UNPARSED, {"a": False, "b.c": False})),
        ("NaN", (UNPARSED, {"a": False, "b.c": False})),
        ("[" * 100_000, (UNPARSED, {"a": False, "b.c": False})),
        ("[" * 900 + "]" * 900, (UNPARSED, {"a": False, "b.c": False})),
        ("9" * 5000, (UNPARSED, {"a": False, "b.c": False})),
    ],
)
def test_json(answer: str, expected: tuple[Outcome, dict[str, bool]]) -> None:
    said = score(answer, '{"a": 1, "b": {"c": [1, 2]}}', "json")
    assert (said.outcome, said.fields) == expected


def test_json_that_is_no_object_has_no_fields() -> None:
    assert score("12345678901234567891", "12345678901234567890", "json").outcome is WRONG
    assert score("[1]", "[1.0]", "json") == Score(CORRECT, "[1]", None)


def test_a_fence_is_found_in_linear_time() -> None:
    blanks = " " * 200_000
    assert score(f"```\n{blanks}x```", "1", "json").outcome is UNPARSED


def test_json_that_no_file_can_hold_is_none() -> None:
    assert score('{"\\ud800": 1}', "1", "json").outcome is UNPARSED
    assert score('"\\ud83d\\ude00"', '"\U0001f600"', "json").outcome is CORRECT

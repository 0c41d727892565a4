import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.domain.evaluation import Outcome
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers import SCORERS, Score, parse_choice, score_choice, score_exact

CHOICES = ("red", "green", "the answer is blue")
CORRECT, WRONG, UNPARSED = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED


def sample(target: str, choices: tuple[str, ...] = CHOICES) -> Sample:
    return Sample(index=0, messages=(), target=target, choices=choices)


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [
        ("B", "B"),
        ("  B \n", "B"),
        ("(B)", "B"),
        ("B.", "B"),
        ("B)", "B"),
        ("B:", "B"),
        ("(B).", "B"),
        ("(B", "B"),
        ("b", None),
        ("BC", None),
        ("B. green", None),
        ("D", None),
        ("(Z)", None),
        ("The answer is B.", "B"),
        ("so the answer is (C) because of this", "C"),
        ("answer is B, I say: the answer is B", "B"),
        ("the answer is B. No, the answer is C", None),
        ("the answer is D", None),
        ("the answer is Blue", None),
        ("The Answer Is B", None),
        ("green", "B"),
        (" green\n", "B"),
        ("Green", None),
        ("greenish", None),
        ("the answer is blue", "C"),
        ("", None),
        ("I would say A or B", None),
    ],
)
def test_an_answer_is_read_and_never_guessed(answer: str, parsed: str | None) -> None:
    assert parse_choice(answer, CHOICES) == parsed


def test_an_option_that_stands_twice_is_no_answer() -> None:
    assert parse_choice("red", ("red", "red")) is None


def test_without_options_any_letter_is_taken() -> None:
    assert parse_choice("Q", ()) == "Q"
    assert parse_choice("red", ()) is None


@given(
    index=st.integers(0, 25),
    count=st.integers(1, 26),
    form=st.sampled_from(["{}", "({})", "{}.", "{}:", " {} ", "the answer is {}"]),
)
def test_a_letter_past_the_options_is_unparsed(index: int, count: int, form: str) -> None:
    letter = string.ascii_uppercase[index]
    choices = tuple(f"option {n}" for n in range(count))
    expected = letter if index < count else None
    assert parse_choice(form.format(letter), choices) == expected


@given(answer=st.text(max_size=40), choices=st.lists(st.text(max_size=10), max_size=5))
def test_whatever_is_answered_the_letter_is_an_option_or_none(
    answer: str, choices: list[str]
) -> None:
    letter = parse_choice(answer, tuple(choices))
    assert letter is None or not choices or 0 <= ord(letter) - ord("A") < len(choices)


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        ("B", "B", Score(CORRECT, "B")),
        ("green", "(B)", Score(CORRECT, "B")),
        ("The answer is B", "B.", Score(CORRECT, "B")),
        ("A", "B", Score(WRONG, "A")),
        ("D", "B", Score(UNPARSED, None)),
        ("perhaps", "B", Score(UNPARSED, None)),
    ],
)
def test_choice(answer: str, target: str, expected: Score) -> None:
    assert score_choice(answer, sample(target)) == expected


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        (" Paris\n", "Paris", Score(CORRECT, "Paris")),
        ("Paris", "Paris ", Score(CORRECT, "Paris")),
        ("paris", "Paris", Score(WRONG, "paris")),
        ("", "Paris", Score(WRONG, "")),
    ],
)
def test_exact(answer: str, target: str, expected: Score) -> None:
    assert score_exact(answer, sample(target, ())) == expected


def test_these_take_no_options() -> None:
    assert set(SCORERS) == {"choice", "exact", "json", "normalised"}


def naive_choice(answer: str, choices: tuple[str, ...]) -> str | None:
    """The same, step by step and without remembering anything."""
    text = answer.strip()
    bare = re.fullmatch(r"\(?([A-Z])\)?[.:)]?", text)
    letters = {bare[1]} if bare else set(re.findall(r"answer is \(?([A-Z])\b", text))
    if not letters:
        options = zip(string.ascii_uppercase, choices, strict=False)
        letters = {letter for letter, option in options if option.strip() == text}
    if len(letters) != 1:
        return None
    (letter,) = letters
    return None if choices and string.ascii_uppercase.index(letter) >= len(choices) else letter


PIECES = ["A", "B", "(", ")", ".", " ", "\n", "answer is ", "red", "Z", "x", "\u00a0"]


@given(
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.lists(st.sampled_from(["red", " red", "A", "x", ""]), max_size=4).map(tuple),
)
def test_remembered_answers_are_what_reading_them_again_gives(
    answer: str, choices: tuple[str, ...]
) -> None:
    for _ in range(2):
        assert parse_choice(answer, choices) == naive_choice(answer, choices)

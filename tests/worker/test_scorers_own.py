"""Scorers that users register: how they are found, and what becomes of those that fail."""

from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest

from tuneq_shared.domain.evaluation import EvaluationSpec, Outcome
from tuneq_shared.domain.scoring import BUILT_IN
from tuneq_shared.settings import Settings
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers import (
    ConfiguredScorers,
    Score,
    ScorerError,
    UnusableScorerError,
    own_names,
    registry,
    scorer_of,
)

CORRECT, WRONG, UNPARSED = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED
OWN = "tests.worker.own_scorers"


def settings(**own: str) -> Settings:
    return Settings(scorers=own)


def score(
    answer: str, target: str, scorer: str, own: Settings | None = None, **options: Any
) -> Score:
    sample = Sample(index=0, messages=(), target=target, choices=("red", "green"))
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
    return scorer_of(spec, own or settings())(answer, sample)


def test_a_scorer_of_ones_own() -> None:
    own = settings(mine=f"{OWN}:starts_alike")
    assert score("redder", "red", "mine", own) == Score(CORRECT, None)
    assert score("blue", "red", "mine", own) == Score(WRONG, None)
    assert score("", "red", "mine", own) == Score(UNPARSED, None)
    assert score("REdder", "red", "mine", own, length=0) == Score(CORRECT, None)
    paired = settings(mine=f"{OWN}:first_option")
    assert score("a red one", "red", "mine", paired) == Score(CORRECT, "red")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("raises", "scorer 'mine' raised ZeroDivisionError: division by zero"),
        ("leaves", "scorer 'mine' raised SystemExit: 1"),
        ("answers_a_word", "a value of type str, not True"),
        ("tells_a_secret", r"ValueError: \*\*\*"),
        ("raises_half_a_pair", r"ValueError: \?"),
        ("raises_without_words", "raised WordlessError"),
    ],
)
def test_one_that_fails_says_so(function: str, words: str) -> None:
    with pytest.raises(ScorerError, match=words):
        score("a", "a", "mine", settings(mine=f"{OWN}:{function}"))


def test_what_no_file_can_hold_is_replaced() -> None:
    own = settings(mine=f"{OWN}:answers_half_a_pair")
    assert score("a", "a", "mine", own) == Score(CORRECT, "?")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("no.such.module:f", "cannot be loaded from no.such.module:f: ModuleNotFoundError"),
        (f"{OWN}:absent", "AttributeError"),
        ("tests.worker.scorer_that_leaves:f", "SystemExit: 3"),
        (f"{OWN}:NOT_A_FUNCTION", "is not a plain function"),
        (f"{OWN}:asynchronous", "is not a plain function"),
        (f"{OWN}:takes_too_little", "is not called so"),
    ],
)
def test_one_that_cannot_be_used_is_refused(reference: str, words: str) -> None:
    with pytest.raises(UnusableScorerError, match=words):
        ConfiguredScorers(settings(mine=reference)).require("mine", {})
    assert own_names(settings(mine=reference)) == ("mine",)


def test_options_that_it_does_not_take_are_refused_before_anything_is_asked() -> None:
    scorers = ConfiguredScorers(settings(mine=f"{OWN}:starts_alike"))
    scorers.require("mine", {"length": 1})
    with pytest.raises(UnusableScorerError, match="unexpected keyword argument 'size'"):
        scorers.require("mine", {"size": 1})


def test_an_unknown_name_is_told_with_those_that_are_known() -> None:
    with pytest.raises(
        UnusableScorerError, match=r"no scorer 'nummeric' \(did you mean numeric"
    ) as refused:
        ConfiguredScorers(settings(mine="m:f")).require("nummeric", {})
    assert all(name in refused.value.message for name in (*BUILT_IN, "mine"))


def test_an_entry_point_registers_a_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [
            EntryPoint("theirs", f"{OWN}:starts_alike", "tuneq.scorers"),
            EntryPoint("exact", f"{OWN}:raises", "tuneq.scorers"),
        ]
    )
    monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))
    assert own_names(settings()) == ("theirs",)
    assert score("redder", "red", "theirs").outcome is CORRECT
    assert score("red", "red", "exact").outcome is CORRECT  # what is built in stays what it is
    configured = settings(theirs=f"{OWN}:raises")
    with pytest.raises(ScorerError):
        score("a", "a", "theirs", configured)

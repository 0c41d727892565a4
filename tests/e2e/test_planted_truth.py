"""Every answer planned: what is reported is what the plan says, by other arithmetic.

Stages, Redis, the data root and the way of a question over HTTP and back are real; jobs are not.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import comb, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any

import click
import pytest
from click.testing import CliRunner
from tests.worker.fakes import MODEL, FakeAccounts, World, chat_line
from tests.worker.openai_support import Asked, Reply, ScriptedServer, refusal

from tuneq_producer.client import Client
from tuneq_producer.commands.compare import compare
from tuneq_producer.commands.report import report
from tuneq_worker.evaluation.lane import LoopLane

LETTERS = "ABCD"
# How many samples have which outcomes: of the base, of one tuned model, of another.
# Correct, to the letter or in words; wrong; unparsed; refused.
PLAN = {
    "ccc": 41,
    "cww": 5,
    "cuc": 2,
    "crw": 1,
    "wcc": 17,
    "wcw": 3,
    "ucc": 6,
    "ucr": 2,
    "rcu": 4,
    "wwc": 12,
    "www": 11,
    "uru": 3,
    "rrr": 2,
    "uwr": 1,
}
SAMPLES = sum(PLAN.values())
QUANTILE = NormalDist().inv_cdf(0.975)
CLOSE = 1e-13  # of doubles, relative: nothing is rounded on the way


def test_what_is_reported_is_what_was_planted(
    redis_url: str, store_prefix: str, tmp_path: Path, client: Client
) -> None:
    planted = [key for key, count in PLAN.items() for _ in range(count)]
    random.Random(7).shuffle(planted)
    base, one, two = ("".join(outcomes) for outcomes in zip(*planted, strict=True))
    models = {MODEL: base}
    fallen: set[bytes] = set()

    def answer(asked: Asked) -> Reply:
        number = int(asked.json()["messages"][-1]["content"].removeprefix("question "))
        if number % 50 == 7 and asked.body not in fallen:
            fallen.add(asked.body)
            return refusal(503)
        return Reply(_message(models[asked.json()["model"]][number], number))

    with ScriptedServer(answer) as server:
        world = World(redis_url, store_prefix, tmp_path / "data")
        asked_there = FakeAccounts(server.provider())
        world.ports = replace(world.ports, lane=LoopLane(asked_there, world.settings))
        world.put(
            "planted.jsonl",
            [chat_line(n, LETTERS[n % len(LETTERS)]) for n in range(SAMPLES)],
        )
        evaluation = {
            "dataset": "data:planted.jsonl",
            "scorer": "choice",
            "baselines": [{"model": MODEL}],
        }
        items = [
            world.submit(name=name, group="planted", seed=seed, evaluation=evaluation)
            for name, seed in (("one", 1), ("two", 2))
        ]
        models |= {f"ft:{item.key}/0": plan for item, plan in zip(items, (one, two), strict=True)}
        world.drive_to_end(*items)
    assert len(server.asked) == 3 * SAMPLES + len(fallen)

    made = _document(report, "planted")
    (baseline,) = made["baselines"]
    _is_score_of(base, baseline)
    pairs = {pair["name"]: pair for pair in made["comparison"]}
    assert {run["name"] for run in made["runs"]} == pairs.keys() == {"one", "two"}
    for run in made["runs"]:
        plan = {"one": one, "two": two}[run["name"]]
        (tuned,) = [e for e in run["evaluations"] if e["role"] == "tuned"]
        _is_score_of(plan, tuned)
        _is_test_of(base, plan, pairs[run["name"]])
    (pair,) = _document(compare, "planted/one", "planted/two")["pairs"]
    _is_score_of(one, next(e for e in pair["first"]["evaluations"] if e["role"] == "tuned"))
    _is_score_of(two, next(e for e in pair["second"]["evaluations"] if e["role"] == "tuned"))
    _is_test_of(one, two, pair["test"])


def _message(outcome: str, number: int) -> dict[str, Any]:
    right, other = (LETTERS[n % len(LETTERS)] for n in (number, number + 1))
    messages: dict[str, dict[str, str | None]] = {
        "c": {"content": f"The answer is ({right})." if number % 3 else right},
        "w": {"content": other},
        "u": {"content": f"It may be {right} or {other}, I cannot tell."},
        "r": {"content": None, "refusal": "I cannot help with that."},
    }
    message = {"role": "assistant", **messages[outcome]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


def _document(command: click.Command, *words: str) -> dict[str, Any]:
    result = CliRunner().invoke(command, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    read: dict[str, Any] = json.loads(result.stdout)
    return read


def _is_score_of(plan: str, score: dict[str, Any]) -> None:
    counts = Counter(plan)
    said = {"c": "correct", "w": "wrong", "u": "unparsed", "r": "refused"}
    assert {name: score[name] for name in said.values()} == {
        name: counts[key] for key, name in said.items()
    }
    assert (score["samples"], score["errored"]) == (SAMPLES, 0)
    assert score["strict"] == sum(o == "c" and n % 3 == 0 for n, o in enumerate(plan))
    assert (score["prompt_tokens"], score["completion_tokens"]) == (5 * SAMPLES, 2 * SAMPLES)
    share = Fraction(counts["c"], SAMPLES)
    assert score["accuracy"] == float(share)
    # Wilson: the shares whose own deviation the observed one is a quantile away from.
    z2 = Fraction(QUANTILE) ** 2 / SAMPLES
    half, product = (2 * share + z2) / 2, share**2 * (1 + z2)
    root = sqrt(half**2 - product)
    bounds = [(float(half) + sign * root) / float(1 + z2) for sign in (-1, 1)]
    assert score["interval"] == pytest.approx(bounds, rel=CLOSE)


def _is_test_of(first: str, second: str, test: dict[str, Any]) -> None:
    both = [(x == "c", y == "c") for x, y in zip(first, second, strict=True)]
    b, c = both.count((True, False)), both.count((False, True))
    assert b != c
    assert (test["b"], test["c"], test["samples"]) == (b, c, SAMPLES)
    assert test["difference"] == pytest.approx(float(Fraction(100 * (c - b), SAMPLES)), rel=CLOSE)
    # Of all ways in which b + c coins fall: those at most as even as these, on both sides.
    tail = Fraction(2 * sum(comb(b + c, k) for k in range(min(b, c) + 1)), 2 ** (b + c))
    exact = min(Fraction(1), tail)
    assert test["p_value"] == pytest.approx(float(exact), rel=CLOSE)
    mid = tail - Fraction(comb(b + c, b), 2 ** (b + c))
    assert test["mid_p_value"] == pytest.approx(float(mid), rel=CLOSE)
    score = _score(b, c)
    low = _root(lambda difference: score(difference) - QUANTILE)
    high = _root(lambda difference: score(difference) + QUANTILE)
    # Two searches, one within the other, end some digits sooner than arithmetic does.
    assert test["difference_interval"] == pytest.approx([100 * low, 100 * high], rel=1e-10)


def _score(b: int, c: int) -> Callable[[float], float]:
    """How many deviations c - b is away from what a difference expects (Tango 1998).

    The share of samples that only the first has right is the likeliest one under it, found as the
    root of the likelihood's derivative.
    """
    rest = SAMPLES - b - c

    def score(difference: float) -> float:
        least, most = max(0.0, -difference), (1 - difference) / 2

        def slope(only_first: float) -> float:
            neither = 1 - 2 * only_first - difference
            return b / only_first + c / (only_first + difference) - 2 * rest / neither

        only_first = _root(slope, least, most)
        variance = SAMPLES * (2 * only_first + difference - difference**2)
        return (c - b - SAMPLES * difference) / sqrt(variance)

    return score


def _root(falling: Callable[[float], float], low: float = -1, high: float = 1) -> float:
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2

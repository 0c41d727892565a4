"""Scoring a million predictions, against pandas `apply(axis=1)` with a regular expression.

Usage: python -m benchmarks.scoring [--predictions N]
"""

import random
import re
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.measuring import Measured, measured, print_table

_CHOICES = ("evaporation", "condensation", "transpiration")
_ANSWERS = ("A", "B", "(C)", "B.", "The answer is C.", "transpiration", "I am not sure")
_LETTER = re.compile(r"\(?([A-Z])\)?[.:)]?")
_STATED = re.compile(r"answer is \(?([A-Z])\b")


def by_pandas(count: int) -> tuple[float, float, dict[str, int]]:
    """The rules of the scorer `choice`, row by row."""
    import pandas as pd  # noqa: PLC0415 - only this process needs it

    answers, targets = _predictions(count)
    frame = pd.DataFrame({"answer": answers, "target": targets})
    return _timed(lambda: list(frame.apply(_outcome, axis=1)))


def by_tuneq(scorer: str, count: int) -> tuple[float, float, dict[str, int]]:
    """The scorer that evaluations use, sample by sample."""
    from tuneq_worker.evaluation.samples import Sample  # noqa: PLC0415 - only this process needs it
    from tuneq_worker.evaluation.scorers import SCORERS  # noqa: PLC0415 - likewise

    score = SCORERS[scorer]
    known = {
        target: Sample(index=0, messages=(), target=target, choices=_CHOICES) for target in "ABC"
    }
    answers, targets = _predictions(count)
    samples = [known[target] for target in targets]
    return _timed(
        lambda: [
            score(answer, sample).outcome for answer, sample in zip(answers, samples, strict=True)
        ]
    )


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=main.__doc__)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    count = parser.parse_args().predictions
    measures = [
        _scored("pandas apply", count, by_pandas, count),
        _scored("tuneq choice", count, by_tuneq, "choice", count),
        _scored("tuneq exact", count, by_tuneq, "exact", count),
    ]
    if measures[0].result != measures[1].result:
        raise AssertionError(f"{measures[0].result} is not {measures[1].result}")
    print_table(f"score {count:,} predictions", measures, against="pandas apply")


def _timed(score: Callable[[], Sequence[str]]) -> tuple[float, float, dict[str, int]]:
    """Wall and CPU seconds of scoring alone, without imports and the making of answers."""
    wall, cpu = time.perf_counter(), time.process_time()
    outcomes = score()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return wall, cpu, dict(Counter(map(str, outcomes)))


def _scored(name: str, count: int, work: Callable[..., Any], *arguments: Any) -> Measured:
    whole = measured(name, count, work, *arguments)
    wall_s, cpu_s, outcomes = whole.result
    return replace(whole, wall_s=wall_s, cpu_s=cpu_s, result=outcomes)


def _predictions(count: int) -> tuple[list[str], list[str]]:
    """Answers and targets; one answer in ten is a text of its own."""
    draw = random.Random(1)
    answers = draw.choices(_ANSWERS, k=count)
    answers[::10] = [f"Step {number}: the answer is (B)" for number in range(0, count, 10)]
    return answers, draw.choices("ABC", k=count)


def _outcome(row: Any) -> str:
    text = row["answer"].strip()
    bare = _LETTER.fullmatch(text)
    letters = {bare[1]} if bare else set(_STATED.findall(text))
    if not letters:
        letters = {"ABC"[place] for place, option in enumerate(_CHOICES) if option == text}
    if len(letters) != 1:
        return "unparsed"
    return "correct" if letters.pop() == row["target"] else "wrong"


if __name__ == "__main__":
    main()

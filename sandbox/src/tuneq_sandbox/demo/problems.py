"""A made-up multiple-choice data set in ScienceQA's own record format; its seed says it all."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneq_sandbox.demo.facts import ANIMALS, CAPITALS, HINTS, OPPOSITES, PEOPLE, VERBS

_TENSES = ("past tense", "present tense", "future tense")
_WRONG_CAPITALS = 3
_WRONG_ANIMALS = 2


@dataclass(frozen=True, slots=True)
class Question:
    """One question; the right option stands first until the options are shuffled."""

    text: str
    options: tuple[str, ...]
    subject: str
    topic: str
    hint: str = ""


def write_problems(folder: Path, *, train: int, val: int, seed: int) -> None:
    """Write `problems.json` and `pid_splits.json`, in which no question stands twice."""
    rng = random.Random(seed)
    questions = _distinct(rng)
    splits = {"train": train, "val": val}
    problems: dict[str, dict[str, Any]] = {}
    ids: dict[str, list[str]] = {split: [] for split in splits}
    for split, wanted in splits.items():
        for _ in range(wanted):
            problem_id = str(len(problems) + 1)
            problems[problem_id] = _record(next(questions), split, rng)
            ids[split].append(problem_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "problems.json").write_text(json.dumps(problems, indent=1), encoding="utf-8")
    (folder / "pid_splits.json").write_text(json.dumps(ids), encoding="utf-8")


def _distinct(rng: random.Random) -> Iterator[Question]:
    makers: Sequence[Callable[[random.Random], Question]] = (_animal, _capital, _opposite, _tense)
    seen = set()
    while True:
        question = rng.choice(makers)(rng)
        key = (question.text, frozenset(question.options))
        if key not in seen:
            seen.add(key)
            yield question


def _record(question: Question, split: str, rng: random.Random) -> dict[str, Any]:
    options = list(question.options)
    rng.shuffle(options)
    return {
        "question": question.text,
        "choices": options,
        "answer": options.index(question.options[0]),
        "hint": question.hint,
        "image": None,
        "task": "closed choice",
        "grade": "grade3",
        "subject": question.subject,
        "topic": question.topic,
        "category": question.topic,
        "skill": question.topic,
        "lecture": "",
        "solution": "",
        "split": split,
    }


def _animal(rng: random.Random) -> Question:
    right, *wrong = rng.sample(sorted(ANIMALS), 1 + _WRONG_ANIMALS)
    options = tuple(rng.choice(ANIMALS[kind].split()) for kind in (right, *wrong))
    article = "an" if right[0] in "aeiou" else "a"
    text = f"Which of these animals is {article} {right}?"
    return Question(text, options, "natural science", "biology", HINTS[right])


def _capital(rng: random.Random) -> Question:
    country, *others = rng.sample(sorted(CAPITALS), 1 + _WRONG_CAPITALS)
    options = tuple(CAPITALS[name] for name in (country, *others))
    return Question(f"What is the capital of {country}?", options, "social science", "geography")


def _opposite(rng: random.Random) -> Question:
    pairs = [pair.split() for pair in OPPOSITES.split(", ")]
    (word, right), (other, another) = rng.sample(pairs, 2)
    if rng.random() < 1 / 2:
        word, right = right, word
    options = (right, rng.choice((other, another)))
    text = f"Which word means the opposite of {word}?"
    return Question(text, options, "language science", "vocabulary")


def _tense(rng: random.Random) -> Question:
    person, verb = rng.choice(PEOPLE.split()), rng.choice(sorted(VERBS))
    past, thing = VERBS[verb]
    third = f"{verb[:-1]}ies" if verb.endswith("y") and verb != "play" else f"{verb}s"
    third = f"{verb}es" if verb.endswith("sh") else third
    tense = rng.choice(_TENSES)
    form = dict(zip(_TENSES, (past, third, f"will {verb}"), strict=True))[tense]
    text = f"Which tense does the sentence use?\n{person} {form} {thing}."
    options = (tense, *(other for other in _TENSES if other != tense))
    return Question(text, options, "language science", "verbs")

import csv
import gzip
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuneq_sandbox.learner import label_model
from tuneq_sandbox.learner.hashing import words
from tuneq_sandbox.learner.lexical import Conversation, lexical_answer
from tuneq_sandbox.learner.model import Example, Model
from tuneq_sandbox.learner.model_cache import ModelCache
from tuneq_sandbox.learner.saving import load_metrics, load_model, save_training
from tuneq_sandbox.learner.text_features import text_features
from tuneq_sandbox.learner.training import UNREACHABLE_LOSS, Plan, count_steps, train

Make = Callable[[int, int], list[Example]]
FRUITS = ("apple", "pear", "plum", "grape", "melon", "fig")
TOOLS = ("hammer", "saw", "drill", "file", "wrench", "plane")


def fruit_examples(count: int, seed: int = 0, *, noise: bool = False) -> list[Example]:
    draw = random.Random(seed)
    examples = []
    for _ in range(count):
        options = [draw.choice(FRUITS), draw.choice(TOOLS)]
        right = draw.randrange(2)
        if right:
            options.reverse()
        prompt = (
            f"Question: Which can be eaten?\nOptions:(A) {options[0]} (B) {options[1]}\nAnswer:"
        )
        examples.append(Example(prompt, draw.choice("AB") if noise else "AB"[right]))
    return examples


def intent_examples(count: int, seed: int = 0) -> list[Example]:
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        label, group = draw.choice((("eat", FRUITS), ("build", TOOLS)))
        lines.append(Example(f"please bring me the {draw.choice(group)} today", label))
    return lines


def accuracy(model: Model, examples: list[Example]) -> float:
    return sum(model.answer(one.prompt) == one.answer for one in examples) / len(examples)


@pytest.mark.parametrize("make", [fruit_examples, intent_examples])
def test_it_learns_what_can_be_learnt(make: Make) -> None:
    examples, fresh = make(60, 1), make(200, 2)
    training = train(examples, fresh, Plan(seed=3))
    assert accuracy(training.model, fresh) > 0.95
    assert training.steps[0].train_loss > training.steps[-1].train_loss
    assert training.checkpoints[-1].full_valid_accuracy == accuracy(training.model, fresh)


def test_random_answers_leave_it_near_chance() -> None:
    training = train(fruit_examples(300, 1, noise=True), [], Plan(seed=1))
    assert 0.4 < accuracy(training.model, fruit_examples(1000, 2, noise=True)) < 0.6


def test_the_order_of_the_options_does_not_matter_to_what_was_learnt() -> None:
    model = train(fruit_examples(100, 1), [], Plan(seed=1)).model
    for fruit, tool in zip(FRUITS, TOOLS, strict=True):
        ask = "Question: Which can be eaten?\nOptions:(A) {} (B) {}\nAnswer:"
        assert model.answer(ask.format(fruit, tool)) == "A"
        assert model.answer(ask.format(tool, fruit)) == "B"


def test_equal_plans_give_equal_weights_and_other_seeds_do_not() -> None:
    examples, valid = fruit_examples(80, 1, noise=True), fruit_examples(40, 2)
    first, second = (train(examples, valid, Plan(seed=5)) for _ in range(2))
    other = train(examples, valid, Plan(seed=6))
    assert first.steps == second.steps
    assert first.steps != other.steps
    assert np.array_equal(
        first.checkpoints[-1].weights.weights, second.checkpoints[-1].weights.weights
    )


def test_more_epochs_reduce_the_training_loss() -> None:
    examples = fruit_examples(60, 1, noise=True)

    def last_epoch(n_epochs: int) -> float:
        losses = [step.train_loss for step in train(examples, [], Plan(n_epochs=n_epochs)).steps]
        return sum(losses[-60:]) / 60

    assert last_epoch(1) > last_epoch(3) > last_epoch(8)


@given(count=st.integers(1, 60), n_epochs=st.integers(1, 5), size=st.none() | st.integers(1, 80))
@settings(max_examples=15, deadline=None)
def test_steps_and_checkpoints_are_as_announced(
    count: int, n_epochs: int, size: int | None
) -> None:
    plan = Plan(n_epochs=n_epochs, batch_size=size)
    training = train(intent_examples(count), intent_examples(5, 9), plan)
    assert [step.number for step in training.steps] == [*range(1, count_steps(count, plan) + 1)]
    assert len(training.checkpoints) == min(3, n_epochs)
    for step in training.steps:
        assert (step.valid_loss is not None) == (step.number % 10 == 0)


@pytest.mark.parametrize("make", [fruit_examples, intent_examples])
def test_a_saved_model_answers_as_before_and_holds_no_line(make: Make, tmp_path: Path) -> None:
    examples, fresh = make(50, 1), make(100, 2)
    training = train(examples, fresh, Plan(n_epochs=4, seed=2))
    path = tmp_path / "training.npz"
    save_training(path, training)
    loaded = load_model(path, 2)
    assert [loaded.answer(one.prompt) for one in fresh] == [
        training.model.answer(one.prompt) for one in fresh
    ]
    metrics = load_metrics(path)
    assert metrics.steps == training.steps
    assert [item.step for item in metrics.checkpoints] == [
        item.step for item in training.checkpoints
    ]
    content = path.read_bytes()
    assert all(one.prompt.encode() not in content for one in examples)
    assert list(tmp_path.iterdir()) == [path]


def test_the_cache_is_bounded_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.npz" for number in range(4)]
    for number, path in enumerate(paths):
        save_training(path, train(fruit_examples(10, number), [], Plan()))
    size = load_model(paths[0], 0).size_bytes
    cache = ModelCache(max_bytes=2 * size)
    first = cache.get(paths[0], 0)
    cache.get(paths[1], 0)
    assert cache.get(paths[0], 0) is first
    cache.get(paths[2], 0)
    assert len(cache) == 2
    assert cache.get(paths[0], 0) is first
    cache.get(paths[3], 0)
    cache.get(paths[1], 0)
    assert cache.get(paths[0], 0) is not first
    with pytest.raises(KeyError):
        cache.get(paths[0], 9)
    with pytest.raises(FileNotFoundError):
        cache.get(tmp_path / "none.npz", 0)


def test_an_answer_that_is_no_candidate_counts_as_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Example("Question: q\nOptions:(A) a (B) b\nAnswer:", "neither")
    training = train([*fruit_examples(20), odd], [], Plan(batch_size=1, n_epochs=1))
    assert max(step.train_loss for step in training.steps) == UNREACHABLE_LOSS
    assert training.model.answer("no options here") in {"A", "B"}
    monkeypatch.setattr(label_model, "MAX_LABELS", 2)
    many = [Example("one", "x"), Example("two", "y"), Example("two", "y"), Example("one", "x")]
    model = label_model.LabelModel.untrained(one.answer for one in [*many, Example("three", "z")])
    assert model.labels == ("x", "y")


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(ValueError, match="no examples"):
        train([], [], Plan())


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_has_features(text: str) -> None:
    features = text_features(text, 0xFFFF)
    assert list(features) == sorted(set(features))
    assert features.max(initial=0) <= 0xFFFF
    assert all(words(text))


@pytest.fixture(scope="module")
def science(reference_data: Path) -> tuple[list[Example], list[Example]]:
    def read(split: str) -> list[Example]:
        path = reference_data / "scienceqa" / f"scienceqa_text_{split}.jsonl.gz"
        with gzip.open(path, "rt") as lines:
            return [science_example(json.loads(line)) for line in lines]

    return read("train"), read("val")


def science_example(row: dict[str, object]) -> Example:
    choices = row["choices"]
    assert isinstance(choices, list)
    options = " ".join(f"({chr(65 + at)}) {text}" for at, text in enumerate(choices))
    prompt = f"Context: {row['hint']}\nQuestion: {row['question']}\nOptions:{options}\nAnswer:"
    return Example(prompt, chr(65 + int(str(row["answer"]))))


def test_accuracy_on_scienceqa_rises_with_samples(
    science: tuple[list[Example], list[Example]],
) -> None:
    training, validation = science
    shuffled = random.Random(7).sample(training, 1000)
    model_50 = train(shuffled[:50], [], Plan(seed=1)).model
    model_1000 = train(shuffled, [], Plan(seed=1)).model
    assert accuracy(model_50, validation) == pytest.approx(0.485, abs=0.03)
    assert accuracy(model_1000, validation) == pytest.approx(0.65, abs=0.025)


def test_the_lexical_baseline_on_scienceqa(
    science: tuple[list[Example], list[Example]],
) -> None:
    training, validation = science
    shots = (training[0],)
    right = sum(lexical_answer(Conversation(one.prompt, shots)) == one.answer for one in validation)
    assert right / len(validation) == pytest.approx(0.45, abs=0.01)
    assert lexical_answer(Conversation(validation[0].prompt)) != validation[0].answer


def test_accuracy_on_banking77(reference_data: Path) -> None:
    def read(split: str) -> list[Example]:
        with (reference_data / "banking77" / f"banking77_{split}.csv").open() as lines:
            return [Example(row["text"], row["category"]) for row in csv.DictReader(lines)]

    sample = random.Random(1).sample(read("train"), 500)
    model = train(sample, [], Plan(n_epochs=5, seed=1)).model
    assert accuracy(model, read("test")) == pytest.approx(0.6, abs=0.05)

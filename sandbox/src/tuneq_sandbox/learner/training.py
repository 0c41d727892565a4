"""Training: real epochs over shuffled mini-batches, with the losses that were really met."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tuneq_sandbox.learner.choice_model import ChoiceModel
from tuneq_sandbox.learner.label_model import LabelModel
from tuneq_sandbox.learner.model import Example, Model, Problem, Scores, Snapshot
from tuneq_sandbox.learner.options import TEXT_FORM, parse_choice

LEARNING_RATE = 0.5
STEPS_AN_EPOCH = 256
"""The batch size chosen for the user gives at most about so many steps an epoch."""
KEPT_EPOCHS = 3
"""So many last epochs leave a checkpoint."""
VALIDATE_EVERY = 10
VALIDATION_BATCH = 32
UNREACHABLE_LOSS = 10.0
"""Loss of an example whose answer is no candidate (a probability of 4.5e-5)."""
PREPARED_EXAMPLES = 20_000
"""So many examples keep their features between epochs (about 15 KB each); the rest anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hyperparameters; with the same examples and plan, training gives the same weights."""

    n_epochs: int = 3
    batch_size: int | None = None
    """Examples a step; None: `choose_batch_size`."""
    learning_rate_multiplier: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the result file; losses in nats, accuracies as fractions."""

    number: int
    train_loss: float
    train_accuracy: float
    valid_loss: float | None = None
    valid_accuracy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The model at the end of an epoch, and its losses over the whole validation set."""

    step: Step
    full_valid_loss: float | None
    full_valid_accuracy: float | None
    weights: Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a training made."""

    model: Model
    steps: list[Step]
    checkpoints: list[Checkpoint]
    """Of the last epochs, oldest first; the last holds the final weights."""


def choose_batch_size(examples: int) -> int:
    """About 0.4 % of the examples, at least one."""
    return max(1, examples // STEPS_AN_EPOCH)


def count_steps(examples: int, plan: Plan) -> int:
    """Steps that the plan takes; the last step of an epoch may be a smaller batch."""
    return plan.n_epochs * math.ceil(examples / (plan.batch_size or choose_batch_size(examples)))


def train(examples: Sequence[Example], validation: Sequence[Example], plan: Plan) -> Training:
    """Train a model for the kind of task that most examples are.

    Raises:
        ValueError: there are no examples.
    """
    if not examples:
        raise ValueError("there is nothing to learn from: no examples")
    model = _untrained(examples)
    checked = [model.prepare(example) for example in validation]
    random = np.random.default_rng(plan.seed)
    size = plan.batch_size or choose_batch_size(len(examples))
    rate = LEARNING_RATE * plan.learning_rate_multiplier
    prepare = lru_cache(maxsize=PREPARED_EXAMPLES)(lambda at: model.prepare(examples[at]))
    steps: list[Step] = []
    checkpoints: list[Checkpoint] = []
    for epoch in range(plan.n_epochs):
        order = random.permutation(len(examples))
        for start in range(0, len(order), size):
            batch = [prepare(int(at)) for at in order[start : start + size]]
            loss, accuracy = _learn(model, batch, rate)
            valid: tuple[float | None, float | None] = (None, None)
            if checked and len(steps) % VALIDATE_EVERY == VALIDATE_EVERY - 1:
                drawn = random.integers(0, len(checked), VALIDATION_BATCH)
                valid = measure(model, [checked[at] for at in drawn])
            steps.append(
                Step(
                    number=len(steps) + 1,
                    train_loss=loss,
                    train_accuracy=accuracy,
                    valid_loss=valid[0],
                    valid_accuracy=valid[1],
                )
            )
        if epoch >= plan.n_epochs - KEPT_EPOCHS:
            full = measure(model, checked) if checked else (None, None)
            checkpoints.append(
                Checkpoint(
                    step=steps[-1],
                    full_valid_loss=full[0],
                    full_valid_accuracy=full[1],
                    weights=model.freeze(),
                )
            )
    return Training(model=model, steps=steps, checkpoints=checkpoints)


def measure(model: Model, problems: Sequence[Problem]) -> tuple[float, float]:
    """Mean loss and accuracy over the problems, of which there must be one."""
    total, correct = 0.0, 0
    for problem in problems:
        loss, right, _ = _judge(model, problem)
        total += loss
        correct += right
    return total / len(problems), correct / len(problems)


def _untrained(examples: Sequence[Example]) -> Model:
    forms: Counter[str] = Counter()
    choices = 0
    for example in examples:
        choice = parse_choice(example.prompt)
        if choice is not None:
            choices += 1
            forms[choice.form_of(example.answer) or TEXT_FORM] += 1
    answers = [example.answer for example in examples]
    if 2 * choices <= len(examples):
        return LabelModel.untrained(answers)
    fallback = Counter(answer.strip() for answer in answers).most_common(1)[0][0]
    return ChoiceModel(form=forms.most_common(1)[0][0], fallback=fallback)


def _learn(model: Model, batch: Sequence[Problem], rate: float) -> tuple[float, float]:
    """One step: slopes of the whole batch at the present weights, then all of them applied."""
    total, correct = 0.0, 0
    slopes: list[tuple[Problem, Scores]] = []
    for problem in batch:
        loss, right, slope = _judge(model, problem)
        total += loss
        correct += right
        if slope is not None:
            slopes.append((problem, slope))
    for problem, slope in slopes:
        model.descend(problem, slope, rate)
    return total / len(batch), correct / len(batch)


def _judge(model: Model, problem: Problem) -> tuple[float, bool, Scores | None]:
    """Loss, whether the best candidate is the right one, and the loss's slope in each score."""
    if problem.target is None:
        return UNREACHABLE_LOSS, False, None
    scores = model.scores(problem)
    likely = np.exp(scores - scores.max())
    likely /= likely.sum()
    loss = min(UNREACHABLE_LOSS, -math.log(max(float(likely[problem.target]), 1e-12)))
    right = int(scores.argmax()) == problem.target
    likely[problem.target] -= 1
    return loss, right, likely

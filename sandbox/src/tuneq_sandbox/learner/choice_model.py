"""The model for multiple choice: one weight a feature, the options of the prompt as candidates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tuneq_sandbox.learner.choice_features import choice_features
from tuneq_sandbox.learner.hashing import Hashes
from tuneq_sandbox.learner.model import Example, Problem, Scores, Snapshot, as_scale
from tuneq_sandbox.learner.options import MultipleChoice, parse_choice

FEATURES = 1 << 20
INITIAL_SQUARES = np.float32(1e-6)
KEPT_PROMPTS = 4096
"""Features of so many prompts are kept (about 15 KB each): many models see the same questions."""


@dataclass(slots=True)
class ChoiceModel:
    """Chooses among the options that stand in the prompt."""

    form: str
    """How it names its choice: one of `options.FORMS`."""
    fallback: str
    """Its answer to a prompt without options."""
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(FEATURES, np.float32))
    _squares: NDArray[np.float32] | None = None

    @classmethod
    def from_snapshot(cls, form: str, fallback: str, snapshot: Snapshot) -> Self:
        """A model with the weights of a snapshot."""
        model = cls(form=form, fallback=fallback)
        model.weights[snapshot.index] = snapshot.weights
        return model

    @property
    def head(self) -> dict[str, Any]:
        """All but the weights."""
        return {"kind": "choice", "form": self.form, "fallback": self.fallback}

    @property
    def size_bytes(self) -> int:
        """Memory held by the weights."""
        return self.weights.nbytes

    def answer(self, prompt: str) -> str:
        """The best option in the form learnt from the training answers."""
        choice, features = _read(prompt)
        if choice is None:
            return self.fallback
        scores = self._score(features)
        return choice.options[int(scores.argmax())].render(self.form)

    def prepare(self, example: Example) -> Problem:
        """Features of each option; no features when the prompt has no options."""
        choice, features = _read(example.prompt)
        if choice is None:
            return Problem(features=(), target=None)
        return Problem(features=features, target=choice.option_of(example.answer, self.form))

    def scores(self, problem: Problem) -> Scores:
        """The score of each option."""
        return self._score(problem.features)

    def descend(self, problem: Problem, slopes: Scores, rate: float) -> None:
        """One AdaGrad step, option by option."""
        if self._squares is None:
            self._squares = np.full(FEATURES, INITIAL_SQUARES, np.float32)
        for index, slope in zip(problem.features, slopes, strict=True):
            gradient = slope * as_scale(len(index))
            squares = self._squares[index] + gradient * gradient
            self._squares[index] = squares
            self.weights[index] -= np.float32(rate) * gradient / np.sqrt(squares)

    def freeze(self) -> Snapshot:
        """The weights that are not zero."""
        # Comparing first makes the search three times as fast.
        index = np.flatnonzero(self.weights != 0).astype(np.uint32)
        return Snapshot(index=index, weights=self.weights[index].astype(np.float16))

    def _score(self, features: Sequence[Hashes]) -> Scores:
        return np.array(
            [self.weights[index].sum() * as_scale(len(index)) for index in features], np.float32
        )


@lru_cache(maxsize=KEPT_PROMPTS)
def _read(prompt: str) -> tuple[MultipleChoice | None, tuple[Hashes, ...]]:
    choice = parse_choice(prompt)
    if choice is None:
        return None, ()
    return choice, tuple(choice_features(choice, FEATURES - 1))

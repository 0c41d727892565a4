"""What a trained model can do, and what training needs of it."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuneq_sandbox.learner.hashing import Hashes

Scores = NDArray[np.float32]
"""One number for each candidate answer; the highest is the answer."""


@dataclass(frozen=True, slots=True)
class Example:
    """What the user says, and what the assistant should answer."""

    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Problem:
    """An example as a model sees it."""

    features: tuple[Hashes, ...]
    """Feature indices: one array for each candidate, or a single one for all of them."""
    target: int | None
    """The index of the right candidate; None when the right answer is no candidate."""


class Model(Protocol):
    """A log-linear model: softmax over the candidate answers of a prompt."""

    @property
    def size_bytes(self) -> int:
        """Memory held by the weights."""
        ...

    @property
    def head(self) -> dict[str, Any]:
        """All but the weights, as JSON that `saving.restore` reads."""
        ...

    def answer(self, prompt: str) -> str:
        """The most likely candidate, in words."""
        ...

    def prepare(self, example: Example) -> Problem:
        """The example's features and the index of its answer."""
        ...

    def scores(self, problem: Problem) -> Scores:
        """The score of each candidate."""
        ...

    def descend(self, problem: Problem, slopes: Scores, rate: float) -> None:
        """One AdaGrad step (Duchi et al. 2011) against the loss's slope in each score."""
        ...

    def freeze(self) -> "Snapshot":
        """A copy of the weights that are not zero."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The weights of a model at one moment: `index[i]` has the weight, or row of weights, `i`.

    Half precision: it halves the file and changes no more than ties.
    """

    index: Hashes
    weights: NDArray[np.float16]


def as_scale(count: int) -> np.float32:
    """Scores are divided by the root of the number of features, so that length does not win."""
    return np.float32(1.0 / np.sqrt(max(1, count)))

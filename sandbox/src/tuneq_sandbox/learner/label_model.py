"""The model for everything but multiple choice: a classifier over the answers seen in training."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tuneq_sandbox.learner.hashing import Hashes
from tuneq_sandbox.learner.model import Example, Problem, Scores, Snapshot, as_scale
from tuneq_sandbox.learner.text_features import text_features

FEATURES = 1 << 16
MAX_LABELS = 500
"""Of more distinct answers only the most frequent are candidates: memory is labels x features."""
INITIAL_SQUARES = np.float32(1e-6)


@dataclass(slots=True)
class LabelModel:
    """Chooses among the labels; a feature without a row has no weight."""

    labels: tuple[str, ...]
    rows: NDArray[np.int32]
    """For each feature its row in `weights`, or -1."""
    weights: NDArray[np.float32]
    """A row of one weight a label."""
    _index_of: dict[str, int] = field(init=False)
    _squares: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        self._index_of = {label: index for index, label in enumerate(self.labels)}

    @classmethod
    def untrained(cls, answers: Iterable[str]) -> Self:
        """A model of zero weights over the distinct answers, at most `MAX_LABELS`."""
        counts = Counter(answer.strip() for answer in answers)
        frequent = sorted(counts, key=lambda label: (-counts[label], label))[:MAX_LABELS]
        return cls(
            labels=tuple(sorted(frequent)),
            rows=np.arange(FEATURES, dtype=np.int32),
            weights=np.zeros((FEATURES, len(frequent)), np.float32),
        )

    @classmethod
    def from_snapshot(cls, labels: tuple[str, ...], snapshot: Snapshot) -> Self:
        """A model that holds the rows of a snapshot only."""
        rows = np.full(FEATURES, -1, np.int32)
        rows[snapshot.index] = np.arange(len(snapshot.index), dtype=np.int32)
        return cls(labels=labels, rows=rows, weights=snapshot.weights.astype(np.float32))

    @property
    def head(self) -> dict[str, Any]:
        """All but the weights."""
        return {"kind": "labels", "labels": list(self.labels)}

    @property
    def size_bytes(self) -> int:
        """Memory held by the weights."""
        return self.weights.nbytes + self.rows.nbytes

    def answer(self, prompt: str) -> str:
        """The best label."""
        scores = self._score(text_features(prompt, FEATURES - 1))
        return self.labels[int(scores.argmax())]

    def prepare(self, example: Example) -> Problem:
        """Features of the prompt, and the label's index."""
        return Problem(
            features=(text_features(example.prompt, FEATURES - 1),),
            target=self._index_of.get(example.answer.strip()),
        )

    def scores(self, problem: Problem) -> Scores:
        """The score of each label."""
        return self._score(problem.features[0])

    def descend(self, problem: Problem, slopes: Scores, rate: float) -> None:
        """One AdaGrad step; a feature has one step size for all labels."""
        if self._squares is None:
            self._squares = np.full(len(self.weights), INITIAL_SQUARES, np.float32)
        rows = self.rows[problem.features[0]]
        gradient = slopes * as_scale(len(rows))
        squares = self._squares[rows] + np.float32(gradient @ gradient)
        self._squares[rows] = squares
        self.weights[rows] -= (np.float32(rate) / np.sqrt(squares))[:, None] * gradient

    def freeze(self) -> Snapshot:
        """The rows that are not all zero."""
        index = np.flatnonzero(self.weights.any(axis=1)).astype(np.uint32)
        return Snapshot(index=index, weights=self.weights[index].astype(np.float16))

    def _score(self, features: Hashes) -> Scores:
        rows = self.rows[features]
        scores: Scores = self.weights[rows[rows >= 0]].sum(axis=0) * as_scale(len(rows))
        return scores

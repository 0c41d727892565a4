"""The scorer `exact`."""

from tuneq_shared.domain.evaluation import Outcome
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import Score

_CORRECT, _WRONG = Outcome.CORRECT, Outcome.WRONG


def score_exact(answer: str, sample: Sample) -> Score:
    """The answer, stripped, is the target, stripped."""
    parsed = answer.strip()
    return Score(_CORRECT if parsed == sample.target.strip() else _WRONG, parsed)

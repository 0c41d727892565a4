"""Scorers: from an answer to an outcome. They never guess."""

from tuneq_worker.evaluation.scorers.choice import parse_choice, score_choice
from tuneq_worker.evaluation.scorers.exact import score_exact
from tuneq_worker.evaluation.scorers.registry import (
    SCORERS,
    ConfiguredScorers,
    own_names,
    scorer_of,
)
from tuneq_worker.evaluation.scorers.score import Score, Scorer, ScorerError, UnusableScorerError

__all__ = [
    "SCORERS",
    "ConfiguredScorers",
    "Score",
    "Scorer",
    "ScorerError",
    "UnusableScorerError",
    "own_names",
    "parse_choice",
    "score_choice",
    "score_exact",
    "scorer_of",
]

"""Scorers by their names: those that every worker has, and those that users registered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

import orjson
from pydantic import JsonValue

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import EvaluationSpec
from tuneq_shared.domain.scoring import (
    BUILT_IN,
    OWN_SCORERS,
    ContainsOptions,
    NumericOptions,
    RegexOptions,
)
from tuneq_shared.settings import Settings
from tuneq_worker.evaluation.scorers.choice import score_choice
from tuneq_worker.evaluation.scorers.contains import contains_scorer
from tuneq_worker.evaluation.scorers.exact import score_exact
from tuneq_worker.evaluation.scorers.json_equality import score_json
from tuneq_worker.evaluation.scorers.normalised import score_normalised
from tuneq_worker.evaluation.scorers.numeric import numeric_scorer
from tuneq_worker.evaluation.scorers.own import own_scorer
from tuneq_worker.evaluation.scorers.regex import regex_scorer
from tuneq_worker.evaluation.scorers.score import Scorer, UnusableScorerError
from tuneq_worker.evaluation.scorers.targets import fit_samples, is_particular

SCORERS: Mapping[str, Scorer] = {
    "choice": score_choice,
    "exact": score_exact,
    "json": score_json,
    "normalised": score_normalised,
}
"""Those that take no options."""

_MADE: Mapping[str, Callable[[Mapping[str, Any]], Scorer]] = {
    "contains": lambda given: contains_scorer(ContainsOptions.model_validate(given)),
    "numeric": lambda given: numeric_scorer(NumericOptions.model_validate(given)),
    "regex": lambda given: regex_scorer(RegexOptions.model_validate(given)),
}


@dataclass(frozen=True, slots=True)
class ConfiguredScorers:
    """`Scorers` as this worker has them."""

    settings: Settings

    def require(self, scorer: str, options: Mapping[str, JsonValue]) -> None:
        """Make it, as if it were to be used."""
        _scorer(scorer, options, self.settings)

    def require_fit(self, spec: EvaluationSpec, data: DataRoot) -> None:
        """Look at every sample, where that can tell anything."""
        if is_particular(spec):
            for _ in fit_samples(spec, scorer_of(spec, self.settings), data):
                pass


def scorer_of(spec: EvaluationSpec, settings: Settings) -> Scorer:
    """How the answers of an evaluation are judged.

    Raises:
        UnusableScorerError: this worker has no such scorer, or cannot make it of these options.
    """
    return _scorer(spec.scorer, spec.scorer_options, settings)


def own_names(settings: Settings) -> tuple[str, ...]:
    """The scorers that users registered here, by configuration or entry point."""
    return tuple(sorted(_references(settings)))


def _scorer(name: str, options: Mapping[str, JsonValue], settings: Settings) -> Scorer:
    if name in SCORERS:
        return SCORERS[name]
    reference = "" if name in _MADE else _reference(name, settings)
    return _made(name, reference, orjson.dumps(options, option=orjson.OPT_SORT_KEYS))


@lru_cache(maxsize=128)
def _made(name: str, reference: str, options: bytes) -> Scorer:
    given = orjson.loads(options)
    return own_scorer(name, reference, given) if reference else _MADE[name](given)


def _reference(name: str, settings: Settings) -> str:
    known = _references(settings)
    if name in known:
        return known[name]
    close = get_close_matches(name, [*BUILT_IN, *known], n=1)
    meant = f" (did you mean {close[0]}?)" if close else ""
    raise UnusableScorerError(
        f"this worker has no scorer {name!r}{meant}, but {', '.join([*BUILT_IN, *sorted(known)])}",
        hint="register it on every worker, under [scorers] in tuneq.toml or in the entry point "
        f"group {OWN_SCORERS}",
    )


def _references(settings: Settings) -> dict[str, str]:
    """What stands for each name; the configuration has the last word, built-in names the first."""
    registered = {point.name: point.value for point in entry_points(group=OWN_SCORERS)}
    known = {**registered, **settings.scorers}
    return {name: value for name, value in known.items() if name not in BUILT_IN}

"""Scorers that users register on their workers: functions of an answer and a sample."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint
from typing import Any

from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.domain.scoring import OWN_SCORERS
from tuneq_shared.intake.secrets import without_secrets
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import Score, Scorer, ScorerError, UnusableScorerError

_LONGEST_WORDS = 300
_LONGEST_PARSED = 4096
_OUTCOMES = {True: Outcome.CORRECT, False: Outcome.WRONG, None: Outcome.UNPARSED}


def own_scorer(name: str, reference: str, options: Mapping[str, Any]) -> Scorer:
    """The scorer behind a function `module:function`, with its options.

    It is called as `function(answer, sample, **options)` and answers whether the answer is right,
    None where none can be read from it, or a pair of that and of what was read.

    Raises:
        UnusableScorerError: there is no such function here, or it does not take the options.
    """
    function = _loaded(name, reference)
    _require_takes(name, function, options)

    def score(answer: str, sample: Sample) -> Score:
        try:
            said = function(answer, sample, **options)
        # Whatever happens in there must end neither the shard nor the worker.
        except (Exception, SystemExit) as error:
            raise ScorerError(f"scorer {name!r} raised {_words(error)}") from error
        return _score(name, said)

    return score


@cache
def _loaded(name: str, reference: str) -> Callable[..., Any]:
    try:
        function = EntryPoint(name, reference, OWN_SCORERS).load()
    except (Exception, SystemExit) as error:  # whatever a module does when it is imported
        raise UnusableScorerError(
            f"scorer {name!r} cannot be loaded from {reference}: {_words(error)}",
            hint="correct it where the worker runs, and start the worker anew",
        ) from error
    if not callable(function) or inspect.iscoroutinefunction(function):
        raise UnusableScorerError(
            f"scorer {name!r}: {reference} is not a plain function",
            hint="name a function that takes an answer and a sample",
        )
    return function  # type: ignore[no-any-return]  # it is callable


def _require_takes(name: str, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
    try:
        inspect.signature(function).bind("", None, **options)
    except TypeError as error:
        raise UnusableScorerError(
            f"scorer {name!r} is not called so: {error}",
            hint="it takes an answer, a sample, and the request's scorer_options by name",
        ) from error
    except ValueError:  # of a function that tells nothing of itself
        return


def _score(name: str, said: Any) -> Score:
    match said:
        case bool() | None:
            return Score(_OUTCOMES[said], None)
        case (bool() | None as verdict, str() as parsed):
            return Score(_OUTCOMES[verdict], _writable(parsed[:_LONGEST_PARSED]))
        case _:
            raise ScorerError(
                f"scorer {name!r} answered a value of type {type(said).__name__}, not True, "
                "False, None, or a pair of one of them and a text"
            )


def _words(error: BaseException) -> str:
    kind = type(error).__name__
    try:
        words = f"{kind}: {error}"
    except Exception:  # noqa: BLE001 - its text is code of the scorer's, too
        words = kind
    return _writable(without_secrets(words)[:_LONGEST_WORDS])


def _writable(text: str) -> str:
    """The text as UTF-8 can hold it: halves of surrogate pairs are replaced."""
    return text.encode(errors="replace").decode()

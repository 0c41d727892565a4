"""The scorer `regex`: what a pattern finds in the answer. RE2 takes linear time for any pattern."""

from itertools import islice
from typing import Any

import re2

from tuneq_shared.domain.scoring import RegexOptions
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import (
    UNPARSED,
    Score,
    Scorer,
    UnusableScorerError,
    judged,
)
from tuneq_worker.evaluation.scorers.taking import taken

_MOST_MATCHES = 1000  # each may look at all the rest of the answer
_MEMORY_BYTES = 16 << 20  # of one compiled pattern: a repetition of repetitions may want any


def regex_scorer(options: RegexOptions) -> Scorer:
    """What the pattern finds is the target, both stripped.

    In a target that the pattern fits, too, it finds what counts; any other counts as it is.

    Raises:
        UnusableScorerError: the pattern is none that RE2 takes, or has no such group.
    """
    pattern = _compiled(options.pattern)
    group = options.group if options.group is not None else min(pattern.groups, 1)
    known = range(pattern.groups + 1) if isinstance(group, int) else pattern.groupindex
    if group not in known:
        raise UnusableScorerError(
            f"scorer_options.group: the pattern has no group {group!r}",
            hint="count groups from 1, 0 is the whole match, or name one by (?P<name>...)",
        )

    def found_in(text: str) -> str | None:
        matches = list(islice(pattern.finditer(text), _MOST_MATCHES + 1))
        if len(matches) > _MOST_MATCHES:
            return None
        parts = (match[group] for match in matches)
        return taken([part.strip() for part in parts if part is not None], options.take)

    def score(answer: str, sample: Sample) -> Score:
        parsed = found_in(answer)
        if parsed is None:
            return UNPARSED
        target = found_in(sample.target)
        return judged(
            right=parsed == (sample.target.strip() if target is None else target), parsed=parsed
        )

    return score


def _compiled(pattern: str) -> Any:
    settings = re2.Options()
    settings.log_errors = False
    settings.max_mem = _MEMORY_BYTES
    try:
        return re2.compile(pattern, settings)
    except re2.error as error:
        words = error.args[0] if error.args else "unknown"
        reason = words.decode(errors="replace") if isinstance(words, bytes) else words
        raise UnusableScorerError(
            f"scorer_options.pattern is no regular expression that RE2 takes: {reason}",
            hint="RE2 knows neither look-around nor backreferences: "
            "https://github.com/google/re2/wiki/Syntax",
        ) from error

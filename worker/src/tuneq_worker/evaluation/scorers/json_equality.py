"""The scorer `json`: the answer says the same as the target, as JSON."""

from tuneq_shared.data.json_fields import NoJsonError, json_fields, read_json, same_json
from tuneq_shared.domain.evaluation import Outcome
from tuneq_worker.evaluation.samples import Sample
from tuneq_worker.evaluation.scorers.score import Score

_FENCE = "```"
_BLANK = " \t"
_MISSING = object()


def score_json(answer: str, sample: Sample) -> Score:
    """The whole answer is JSON, perhaps within one code fence, and equal to the target's.

    Beside it, each field of a target that is an object is judged by itself.
    """
    target = read_json(_unfenced(sample.target))
    wanted = dict(json_fields(target))
    try:
        value = read_json(_unfenced(answer))
    except NoJsonError:
        return Score(Outcome.UNPARSED, None, dict.fromkeys(wanted, False) or None)
    given = dict(json_fields(value))
    fields = {path: same_json(part, given.get(path, _MISSING)) for path, part in wanted.items()}
    outcome = Outcome.CORRECT if same_json(value, target) else Outcome.WRONG
    return Score(outcome, _unfenced(answer), fields or None)


def _unfenced(text: str) -> str:
    stripped = text.strip()
    if not stripped.startswith(_FENCE) or not stripped.endswith(_FENCE):
        return stripped
    head, line_end, body = stripped[len(_FENCE) : -len(_FENCE)].partition("\n")
    if not line_end or head.rstrip(_BLANK) not in {"", "json"}:
        return stripped
    return body.rstrip(_BLANK).removesuffix("\n")

"""A sample that a tuned model got wrong, with what was asked and what would have been right."""

from dataclasses import dataclass
from typing import Any

import orjson

from tuneq_producer.mistakes.pairs import Pair
from tuneq_shared.data.chat import ChatLine, read_chat
from tuneq_shared.data.message_rules import content_text
from tuneq_shared.data.rules import Use
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One sample. The field names are those of the JSON document."""

    sample: int  # its place in the dataset, from 0
    outcome: Outcome
    against: str | None  # broken: the baseline had it right; both_wrong; none without a baseline
    label: str | None
    subject: str | None
    prompt: str  # the last message of a user in the dataset's line
    target: str
    answer: str | None
    parsed: str | None


def against(tuned: Outcome, baseline: Outcome | None) -> str | None:
    """What tuning has done to a sample: fixed, broken or both_wrong; none: nothing, or unknown."""
    if baseline is None or tuned is Outcome.ERRORED:
        return None
    if tuned is Outcome.CORRECT:
        return None if baseline is Outcome.CORRECT else "fixed"
    return "broken" if baseline is Outcome.CORRECT else "both_wrong"


def read_mistake(pair: Pair) -> Mistake:
    """The sample with its prompt.

    Raises:
        InvalidInputError: the line is not the one that was asked about.
    """
    row, line = pair.tuned, _chat_line(pair)
    asked = [message for message in line.inputs if message["role"] == "user"]
    return Mistake(
        sample=row.sample,
        outcome=row.outcome,
        against=against(row.outcome, pair.baseline),
        label=row.label,
        subject=row.subject,
        prompt=content_text(asked[-1]) if asked else "",
        target=row.target,
        answer=row.answer,
        parsed=row.parsed,
    )


def as_chat_line(pair: Pair, mistake: Mistake) -> bytes:
    """The dataset's line with the right answer in it, and in its metadata what went wrong."""
    value: dict[str, Any] = orjson.loads(pair.line)
    wrong = {
        "sample": mistake.sample,
        "outcome": mistake.outcome,
        "against": mistake.against,
        "answer": mistake.answer,
    }
    value["metadata"] = {**(value.get("metadata") or {}), "mistake": wrong}
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _chat_line(pair: Pair) -> ChatLine:
    _, line = next(read_chat([pair.line], Use.EVALUATION))
    if not isinstance(line, ChatLine) or line.target != pair.tuned.target:
        raise InvalidInputError(
            f"sample {pair.tuned.sample} of the dataset is not what it was when it was evaluated",
            hint="restore the dataset, or evaluate again",
        )
    return line

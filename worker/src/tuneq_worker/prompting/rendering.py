"""Answers for people, side by side, and for programs."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from tuneq_shared.steering import unsteered
from tuneq_worker.prompting.answering import Answer
from tuneq_worker.prompting.targets import Targets

_GAP = "   "
_NARROWEST = 80


def document(targets: Targets, answers: Sequence[Answer]) -> dict[str, Any]:
    """The JSON document."""
    return {
        "run": targets.run,
        "account": targets.account,
        "ok": all(answer.error is None for answer in answers),
        "answers": [_entry(answer) for answer in answers],
    }


def lines(answers: Sequence[Answer], width: int) -> Iterator[str]:
    """Columns where there is room for two, else one below the other."""
    if len(answers) == 1 or width < _NARROWEST:
        for answer in answers:
            yield from (*_head(answer, width), *_body(answer, width), "")
        return
    each = (width - len(_GAP) * (len(answers) - 1)) // len(answers)
    for part in (_head, _body):  # all answers begin in the same line
        for row in zip_longest(*(part(answer, each) for answer in answers), fillvalue=""):
            yield _GAP.join(cell.ljust(each) for cell in row).rstrip()


def _entry(answer: Answer) -> dict[str, Any]:
    said = answer.completion
    return {
        "role": answer.target.role,
        "model": answer.target.model,
        "text": said.text if said else None,
        "refused": said.refused if said else None,
        "prompt_tokens": said.prompt_tokens if said else None,
        "completion_tokens": said.completion_tokens if said else None,
        "latency_s": None if answer.latency_s is None else round(answer.latency_s, 4),
        "error": (
            {"code": answer.error.code, "message": answer.error.message} if answer.error else None
        ),
    }


def _head(answer: Answer, width: int) -> Iterator[str]:
    yield from wrap(unsteered(f"{answer.target.role}: {answer.target.model}"), width)
    yield from wrap(_facts(answer), width)
    yield ""


def _body(answer: Answer, width: int) -> Iterator[str]:
    said = answer.completion.text if answer.completion else answer.error and answer.error.message
    for line in (said or "").splitlines():
        yield from wrap(unsteered(line), width, replace_whitespace=False) or [""]


def _facts(answer: Answer) -> str:
    said = answer.completion
    if said is None:
        return f"no answer: {answer.error.code if answer.error else ''}"
    tokens = f"{said.prompt_tokens} + {said.completion_tokens} tokens"
    declined = ", it declined to answer" if said.refused else ""
    return f"{answer.latency_s or 0.0:.2f} s, {tokens}{declined}"

"""From a dataset's lines to samples: what is asked, and what would be right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from tuneq_shared.data.chat import ChatLine, read_chat
from tuneq_shared.data.codes import Problem
from tuneq_shared.data.lines import without_mark
from tuneq_shared.data.rules import Use
from tuneq_shared.data.sampling import first_of_permutation
from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.evaluation import EvaluationSpec
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.references import parse_reference

SHOTS_SEED = 0
"""The permutation of the training file whose first lines are the examples: the same for all."""

_INSTRUCTING = {"system", "developer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line of an evaluation."""

    index: int  # its place in the dataset, from 0
    messages: tuple[dict[str, Any], ...]  # examples included
    target: str
    choices: tuple[str, ...] = ()
    label: str | None = None
    subject: str | None = None


def read_samples(
    spec: EvaluationSpec, data: DataRoot, start: int = 0, stop: int | None = None
) -> Iterator[Sample]:
    """The samples from `start` up to but without `stop`, or to the end or the limit.

    Raises:
        InvalidInputError: a line in that range is no evaluation line.
    """
    shots = _shots(spec, data)
    end = min((n for n in (stop, spec.limit) if n is not None), default=None)
    with data.open(parse_reference(spec.dataset)) as file:
        rows = _chat_lines(islice(_filled(without_mark(file)), start, end), spec.dataset)
        for index, line in enumerate(rows, start):
            known = line.metadata
            asked = instructed(line.inputs, spec)
            yield Sample(
                index=index,
                messages=with_shots(asked, shots),
                target=line.target,
                choices=known.choices if known else (),
                label=known.label if known else None,
                subject=known.subject if known else None,
            )


def with_shots(
    inputs: Sequence[dict[str, Any]], shots: Sequence[ChatLine]
) -> tuple[dict[str, Any], ...]:
    """The messages with the examples as earlier turns, after the messages that instruct."""
    lead = [m for m in inputs if m["role"] in _INSTRUCTING]
    rest = [m for m in inputs if m["role"] not in _INSTRUCTING]
    turns = [m for shot in shots for m in shot.messages if m["role"] not in _INSTRUCTING]
    return (*lead, *turns, *rest)


def instructed(
    messages: Sequence[dict[str, Any]], spec: EvaluationSpec
) -> tuple[dict[str, Any], ...]:
    """The messages under the evaluation's own system message and prompt, where it has any.

    Raises:
        InvalidInputError: there is a prompt, and no text of a user to put into it.
    """
    if spec.system is not None:
        lead = [{"role": "system", "content": spec.system}] if spec.system else []
        messages = [*lead, *(m for m in messages if m["role"] not in _INSTRUCTING)]
    if spec.prompt is None:
        return tuple(messages)
    place = max((n for n, m in enumerate(messages) if m["role"] == "user"), default=None)
    if place is None or not isinstance(text := messages[place].get("content"), str):
        raise InvalidInputError("evaluation.prompt: a line has no text of a user to put into it")
    asked = {**messages[place], "content": spec.prompt.replace("{input}", text)}
    return (*messages[:place], asked, *messages[place + 1 :])


def estimated_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """About the tokens of a prompt: a quarter of its characters, and some for each message."""
    characters = sum(len(str(message.get("content") or "")) for message in messages)
    return characters // 4 + 4 * len(messages)


def _shots(spec: EvaluationSpec, data: DataRoot) -> list[ChatLine]:
    if not spec.shots or spec.shots_from is None:
        return []
    with data.open(parse_reference(spec.shots_from)) as file:
        chosen = first_of_permutation(_filled(without_mark(file)), spec.shots, SHOTS_SEED)
    lines = _chat_lines(chosen, spec.shots_from)
    return [replace(line, messages=instructed(line.messages, spec)) for line in lines]


def _filled(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.strip())


def _chat_lines(lines: Iterable[bytes], name: str) -> Iterator[ChatLine]:
    for number, line in read_chat(lines, Use.EVALUATION):
        if isinstance(line, Problem):
            raise InvalidInputError(f"{name}: line {number} of those asked for: {line.message}")
        yield line

"""ScienceQA problems as chat lines, in the prompt format of the published experiment.

The problems: Lu et al. 2022, "Learn to Explain", github.com/lupantech/ScienceQA. The format: Scale
AI, "How to Fine-Tune GPT-3.5 Turbo With OpenAI API", 2023.
"""

from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import orjson

from tuneq_producer.prepare.files import replacing
from tuneq_producer.prepare.scienceqa_record import Record
from tuneq_producer.prepare.scienceqa_source import ProblemSource

_MARKS = [f"({letter}) " for letter in ascii_uppercase]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCounts:
    """What became of the problems of one split."""

    split: str
    file: str
    problems: int
    with_image: int
    """Left out, for the experiment is about text."""
    without_hint: int
    """Left out where a hint is required."""
    written: int


def prompt(record: Record) -> str:
    """The question as the model sees it; a problem without a hint keeps an empty context."""
    options = " ".join(map(str.__add__, _MARKS, record.choices))
    return f"Context: {record.hint}\nQuestion: {record.question}\nOptions:{options}\nAnswer:"


def chat_line(record: Record) -> dict[str, Any]:
    """The problem as a chat line whose answer is the bare letter of the right choice."""
    metadata: dict[str, Any] = {"choices": record.choices}
    if label := record.subject or record.topic:
        metadata["label"] = label
    if record.subject:
        metadata["subject"] = record.subject
    return {
        "messages": [
            {"role": "user", "content": prompt(record)},
            {"role": "assistant", "content": ascii_uppercase[record.answer]},
        ],
        "metadata": metadata,
    }


def write_split(
    source: ProblemSource, split: str, out: Path, *, require_hint: bool, force: bool
) -> SplitCounts:
    """Write a split's problems as chat lines to `<out>/<split>.jsonl`.

    Raises:
        InvalidInputError: a problem is malformed, or the file exists and `force` is off.
    """
    path = out / f"{split}.jsonl"
    problems = with_image = without_hint = written = 0
    with replacing(path, force=force) as stream:
        for record in source.records(split):
            problems += 1
            if record.image:
                with_image += 1
            elif require_hint and not record.hint.strip():
                without_hint += 1
            else:
                stream.write(orjson.dumps(chat_line(record), option=orjson.OPT_APPEND_NEWLINE))
                written += 1
    return SplitCounts(
        split=split,
        file=str(path),
        problems=problems,
        with_image=with_image,
        without_hint=without_hint,
        written=written,
    )

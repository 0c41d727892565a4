"""ScienceQA problems as chat lines, in the prompt format of the published experiment.

The problems: Lu et al. 2022, "Learn to Explain", github.com/lupantech/ScienceQA. The format: Scale
AI, "How to Fine-Tune GPT-3.5 Turbo With OpenAI API", 2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from pathlib import Path
from string import ascii_uppercase

from tuneq_producer.prepare.files import replacing
from tuneq_producer.prepare.json_texts import json_text, json_texts
from tuneq_producer.prepare.scienceqa_record import Record
from tuneq_producer.prepare.scienceqa_source import ProblemSource

_CHUNK = 200
_OPTIONS = [
    " ".join(f"({letter}) %s" for letter in ascii_uppercase[:count])
    for count in range(len(ascii_uppercase) + 1)
]
_LINE = (
    r'{"messages":[{"role":"user","content":"Context: %s\nQuestion: %s\nOptions:%s\nAnswer:"},'
    r'{"role":"assistant","content":"%s"}],"metadata":{"choices":["%s"]%s}}'
    "\n"
)


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


def chat_lines(records: Sequence[Record]) -> str:
    """Problems as chat lines, whose answer is the bare letter of the right choice.

    A problem without a hint keeps an empty context.
    """
    choices = [each.choices for each in records]
    plain = list(chain.from_iterable(choices))
    if (texts := json_texts(plain)) is not plain:
        left = iter(texts)
        choices = [list(islice(left, len(each))) for each in choices]
    columns = (
        json_texts([each.hint for each in records]),
        json_texts([each.question for each in records]),
        [_OPTIONS[len(each)] % tuple(each) for each in choices],
        [ascii_uppercase[each.answer] for each in records],
        map('","'.join, choices),
        [_subject(each.subject, each.topic) for each in records],
    )
    return "".join(map(_LINE.__mod__, zip(*columns, strict=True)))


@cache
def _subject(subject: str | None, topic: str | None) -> str:
    """The rest of the metadata."""
    label = f',"label":"{json_text(subject or topic or "")}"' if subject or topic else ""
    return f'{label},"subject":"{json_text(subject)}"' if subject else label


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
        records = source.records(split)
        while chunk := list(islice(records, _CHUNK)):
            texts = [each for each in chunk if not each.image]
            kept = [each for each in texts if each.hint.strip()] if require_hint else texts
            if kept:
                stream.write(chat_lines(kept).encode())
            problems += len(chunk)
            with_image += len(chunk) - len(texts)
            without_hint += len(texts) - len(kept)
            written += len(kept)
    return SplitCounts(
        split=split,
        file=str(path),
        problems=problems,
        with_image=with_image,
        without_hint=without_hint,
        written=written,
    )

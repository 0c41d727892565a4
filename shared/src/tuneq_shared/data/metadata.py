"""The metadata of a chat line: what scoring needs, taken off before anything is uploaded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tuneq_shared.data.codes import Code, Problem

_LETTER = re.compile(r"\(?([A-Z])\)?[.:)]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What tuneq knows of a line beside its messages."""

    choices: tuple[str, ...] = ()
    """The options of a multiple choice, A first; empty where it is none."""
    label: str | None = None
    """The class by which samples are grouped."""
    subject: str | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Metadata":
        """From a JSON object in which `metadata_problems` found nothing."""
        return cls(
            choices=tuple(value.get("choices") or ()),
            label=value.get("label"),
            subject=value.get("subject"),
        )


def metadata_problems(metadata: Any, target: str | None) -> Iterator[Problem]:
    """All that is wrong with the metadata of a line whose target is `target`."""
    if not isinstance(metadata, dict):
        yield Problem(Code.BAD_METADATA, "metadata is not an object")
        return
    for key in ("label", "subject"):
        if not isinstance(metadata.get(key), str | None):
            yield Problem(Code.BAD_METADATA, f"metadata.{key} is not a text")
    choices = metadata.get("choices")
    if choices is None:
        return
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        yield Problem(Code.BAD_METADATA, "metadata.choices is not a list of texts")
        return
    needed = options_needed(target or "")
    if needed > len(choices):
        letter = chr(ord("A") + needed - 1)
        yield Problem(
            Code.TARGET_PAST_CHOICES,
            f"the answer is {letter}, but there are only {len(choices)} choices",
        )


@lru_cache(maxsize=1024)
def options_needed(target: str) -> int:
    """How many options there must be for a target that is a bare letter; 0 for any other."""
    letter = _LETTER.fullmatch(target.strip())
    return ord(letter[1]) - ord("A") + 1 if letter else 0

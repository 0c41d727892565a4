"""A ScienceQA problem as either release has it."""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Annotated

import msgspec

from tuneq_producer.prepare.line_decoder import LineDecoder


class Record(msgspec.Struct, frozen=True, gc=False):
    """The fields that are used; a release has more."""

    question: str
    choices: Annotated[list[str], msgspec.Meta(min_length=1, max_length=len(ascii_uppercase))]
    answer: Annotated[int, msgspec.Meta(ge=0)]
    """The place of the right choice, from 0."""
    hint: str = ""
    image: str | None = None
    subject: str | None = None
    topic: str | None = None
    split: str | None = None
    """Which split it is of, where a line says that."""


class _Split(msgspec.Struct, gc=False):
    split: str


def parse_lines(lines: Sequence[bytes]) -> list[Record] | None:
    """The problems of JSON lines, if all fields are right and each names its split."""
    records = _decode(lines)
    if records is None:
        return None
    sound = [each for each in records if each.split and each.answer < len(each.choices)]
    return records if len(sound) == len(records) else None


def parse_splits(lines: Sequence[bytes]) -> set[str] | None:
    """The splits that JSON lines name, if each does; the rest of the lines is not looked at."""
    named = _decode_splits(lines)
    return None if named is None else {each.split for each in named}


_decode = LineDecoder(Record)
_decode_splits = LineDecoder(_Split)

"""A ScienceQA problem as either release has it."""

from string import ascii_uppercase
from typing import Annotated, Any, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tuneq_shared.errors import InvalidInputError
from tuneq_shared.settings import describe


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


class _Model(BaseModel):
    """The same for a value that is not quite so: to take it, or to say what is wrong."""

    model_config = ConfigDict(extra="ignore")

    question: str
    choices: Annotated[list[str], Field(min_length=1, max_length=len(ascii_uppercase))]
    answer: int = Field(ge=0)
    hint: str = ""
    image: str | None = None
    subject: str | None = None
    topic: str | None = None

    @model_validator(mode="after")
    def _answer_is_a_choice(self) -> Self:
        if self.answer >= len(self.choices):
            msg = f"answer is {self.answer}, but there are {len(self.choices)} choices"
            raise ValueError(msg)
        return self


def parse_line(line: bytes) -> Record | None:
    """The problem of a JSON line, if all its fields are right and it names its split."""
    try:
        record = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.split is not None and record.answer < len(record.choices) else None


def parse_split(line: bytes) -> str | None:
    """The split that a JSON line names; the rest of the line is not looked at."""
    try:
        return _decode_split(line).split
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def parse_record(value: Any, place: str) -> Record:
    """The problem in a JSON value that was found at `place`.

    Raises:
        InvalidInputError: a field is missing or wrong.
    """
    try:
        return Record(**_Model.model_validate(value).model_dump())
    except ValidationError as error:
        raise InvalidInputError(
            f"{place}: {describe(error)}", hint="it is not a ScienceQA problem: correct the source"
        ) from error


_decode = msgspec.json.Decoder(Record).decode
_decode_split = msgspec.json.Decoder(_Split).decode

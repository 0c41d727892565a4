"""A ScienceQA problem as either release has it."""

from string import ascii_uppercase
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tuneq_shared.errors import InvalidInputError
from tuneq_shared.settings import describe


class Record(BaseModel):
    """The fields that are used; a release has more."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str
    choices: Annotated[list[str], Field(min_length=1, max_length=len(ascii_uppercase))]
    answer: int = Field(ge=0)
    """The place of the right choice, from 0."""
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


def parse_record(value: Any, place: str) -> Record:
    """The problem in a JSON value that was found at `place`.

    Raises:
        InvalidInputError: a field is missing or wrong.
    """
    try:
        return Record.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError(
            f"{place}: {describe(error)}", hint="it is not a ScienceQA problem: correct the source"
        ) from error

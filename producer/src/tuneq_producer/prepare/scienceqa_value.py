"""A ScienceQA problem from any JSON value: taken where it is nearly so, or said what is wrong."""

from string import ascii_uppercase
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tuneq_producer.prepare.scienceqa_record import Record
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.settings import describe


class _Model(BaseModel):
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

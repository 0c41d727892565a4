"""What pydantic found wrong, in OpenAI's words."""

from dataclasses import dataclass

from pydantic import ValidationError

_CODES = {"extra_forbidden": "unknown_parameter", "missing": "missing_required_parameter"}


@dataclass(frozen=True, slots=True)
class Problem:
    """The first wrong field of a document."""

    param: str
    """Its place, with dots; empty for the document itself."""
    code: str
    message: str


def first_problem(error: ValidationError) -> Problem:
    """The first thing that is wrong; values are left out."""
    first = error.errors(include_url=False, include_input=False)[0]
    param = ".".join(str(step) for step in first["loc"])
    kind = first["type"]
    if kind == "extra_forbidden":
        message = f"Unknown parameter: '{param}'."
    elif kind == "missing":
        message = f"Missing required parameter: '{param}'."
    else:
        message = f"Invalid '{param}': {first['msg'].removeprefix('Value error, ')}."
    return Problem(param, _CODES.get(kind, "invalid_value"), message)

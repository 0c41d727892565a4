"""Reading request bodies: JSON into a model, multipart into files."""

from typing import TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ValidationError

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.problem import first_problem

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: web.Request, model: type[Body]) -> Body:
    """The request's JSON document.

    Raises:
        ApiError: 400, it is not JSON, or not what the route takes.
    """
    try:
        document = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise ApiError(
            400, "We could not parse the JSON body of your request. The body must be valid JSON."
        ) from error
    return validate(document, model)


def validate(document: object, model: type[Body]) -> Body:
    """A document as a model.

    Raises:
        ApiError: 400, naming the first wrong field.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problem = first_problem(error)
        raise ApiError(
            400, problem.message, param=problem.param or None, code=problem.code
        ) from error


def query_int(request: web.Request, name: str, default: int, maximum: int) -> int:
    """A number from the query, 1 to `maximum`.

    Raises:
        ApiError: 400.
    """
    raw = request.query.get(name)
    if raw is None:
        return default
    if not raw.isdecimal() or not 1 <= int(raw) <= maximum:
        raise ApiError(
            400,
            f"Invalid '{name}': expected an integer from 1 to {maximum}, but got '{raw}' instead.",
            param=name,
            code="invalid_value",
        )
    return int(raw)

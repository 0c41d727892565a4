"""The file of a batch: its requests, or why it is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from tuneq_sandbox.provider.batch import Problem
from tuneq_sandbox.provider.problem import first_problem

ENDPOINT = "/v1/chat/completions"
MAX_REQUESTS = 50_000


class BatchRequest(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    custom_id: str
    method: Literal["POST"]
    url: Literal["/v1/chat/completions"]
    body: dict[str, Any]


def read_requests(path: Path) -> Iterator[BatchRequest]:
    """The requests of a file that `look_through` found to be one."""
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield BatchRequest.model_validate_json(line)


def look_through(path: Path) -> int | Problem:
    """How many requests a file holds, or the first thing that is wrong with it."""
    seen: set[str] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                request = BatchRequest.model_validate(orjson.loads(line))
            except orjson.JSONDecodeError:
                words = "This line is not parseable as valid JSON."
                return Problem(code="invalid_json_line", message=words, line=number)
            except ValidationError as error:
                words = first_problem(error).message
                return Problem(code="invalid_request", message=words, line=number)
            if request.custom_id in seen:
                words = f"The custom_id '{request.custom_id}' stands there twice."
                return Problem(code="duplicate_custom_id", message=words, line=number)
            seen.add(request.custom_id)
    if not seen:
        return Problem(code="empty_file", message="The file is empty.")
    if len(seen) > MAX_REQUESTS:
        words = f"A batch holds at most {MAX_REQUESTS} requests, this one {len(seen)}."
        return Problem(code="max_requests_exceeded", message=words)
    return len(seen)

"""From JSON or a mapping to a request, or to words that say what is wrong with it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

import orjson
from pydantic import BaseModel, ValidationError

from tuneq_shared.domain.request import MAX_REQUEST_BYTES, FineTuneRequest
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.intake.secrets import refuse_secrets

MAX_DEPTH = 8
"""Levels of nesting; a sound request has four."""

_SINGLE = (str, int, float, type(None))
_HINT = "`tuneq schema` prints what a request may say"


def parse_request(
    request: bytes | str | Mapping[str, Any], longest: int = MAX_REQUEST_BYTES
) -> FineTuneRequest:
    """Read a request; unknown fields are named, with the field that may have been meant.

    Args:
        request: as JSON, or as JSON says it.
        longest: bytes that it may have as JSON.

    Raises:
        InvalidInputError: it is not JSON, too large, too deeply nested, holds what looks like a
            secret, or is no request.
    """
    value = _decoded(request, longest)
    if not isinstance(value, Mapping):
        raise InvalidInputError("a request is a JSON object", hint=_HINT)
    if _is_deeper(value, MAX_DEPTH):
        raise InvalidInputError(f"nested deeper than {MAX_DEPTH} levels", hint=_HINT)
    if (size := len(_encoded(value))) > longest:
        raise too_large(size, longest)
    refuse_secrets(value)  # first: what is said of a request may quote its names
    try:
        return FineTuneRequest.model_validate(value)
    except ValidationError as error:
        raise InvalidInputError("; ".join(_problems(error)), hint=_HINT) from error


def too_large(size: int, longest: int) -> InvalidInputError:
    """What is said of a request that has so many bytes."""
    return InvalidInputError(
        f"the request has {size:,} bytes, larger than the {longest:,} that are taken",
        hint="name files by reference instead of quoting them, or raise max_request_bytes",
    )


def _decoded(request: bytes | str | Mapping[str, Any], longest: int) -> Any:
    if not isinstance(request, bytes | str):
        return request
    raw = request if isinstance(request, bytes) else request.encode(errors="surrogatepass")
    if len(raw) > longest:
        raise too_large(len(raw), longest)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"not JSON: {error}", hint=_HINT) from error


def _encoded(value: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(value, default=str)
    except TypeError as error:
        raise InvalidInputError(f"cannot be written as JSON: {error}", hint=_HINT) from error


def _is_deeper(value: Any, levels: int) -> bool:
    inner: Iterable[Any]
    # To ask whether something is a mapping takes long, and most is neither that nor a list.
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101 - the first is quick
        inner = value.values()
    elif isinstance(value, list | tuple):
        inner = value
    else:
        return False
    if not levels:
        return True
    parts = [part for part in inner if not isinstance(part, _SINGLE)]
    return bool(parts) and any(_is_deeper(part, levels - 1) for part in parts)


def _problems(error: ValidationError) -> list[str]:
    problems = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(step) for step in item["loc"])
        if item["type"] == "extra_forbidden":
            problems.append(f"{place}: unknown field{_suggestion(item['loc'])}")
        else:
            problems.append(f"{place}: {item['msg']}" if place else item["msg"])
    return problems


def _suggestion(place: tuple[int | str, ...]) -> str:
    *path, name = place
    model: type[BaseModel] | None = FineTuneRequest
    for step in path:
        if model is not None and isinstance(step, str):
            model = _model_in(model.model_fields[step].annotation)
    known = list(model.model_fields) if model else []
    close = get_close_matches(str(name), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)

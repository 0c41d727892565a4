"""A command's options from a TOML file, whose keys are the options' names."""

import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
import orjson

from tuneq_producer.prepare.files import reading
from tuneq_producer.submission.flags import BaselineType, HyperparameterType
from tuneq_producer.submission.grid import SeveralHyperparameters
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.references import LocalPath, parse_reference

_FILES = {"training_file", "validation_file", "dataset"}


def options_of_file(path: Path, known: dict[str, click.Parameter]) -> dict[str, Any]:
    """What the file says, as click takes it for defaults; paths in it are relative to it.

    Args:
        path: the file.
        known: the options that it may say, by its keys.

    Raises:
        InvalidInputError: it cannot be read, is not TOML, or says something else.
    """
    with reading(path) as stream:
        try:
            said: dict[str, Any] = tomllib.load(stream)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{path} is not TOML: {error}") from error
    for key in said.keys() - known.keys():
        close = get_close_matches(key, known, n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        raise InvalidInputError(
            f"{path}: unknown key {key}{meant}", hint=f"known: {', '.join(sorted(known))}"
        )
    return {known[key].name or "": _given(known[key], value, path) for key, value in said.items()}


def keys_of(params: list[click.Parameter]) -> dict[str, click.Parameter]:
    """Options by the keys of a file: `--max-tokens` is `max_tokens`."""
    options = [param for param in params if isinstance(param, click.Option)]
    return {max(each.opts, key=len).lstrip("-").replace("-", "_"): each for each in options}


def _given(param: click.Parameter, value: Any, path: Path) -> Any:
    if param.name in _FILES and isinstance(value, str):
        reference = parse_reference(value)
        if isinstance(reference, LocalPath):
            return str(path.parent / Path(reference.path).expanduser())
    if isinstance(value, dict) and not isinstance(param.type, BaselineType):
        told = _told_as(param.type)
        value = [f"{name}={told(each)}" for name, each in value.items()]
    if not param.multiple:
        return _word(value)
    parts = value if isinstance(value, list) else [value]
    return [part if isinstance(part, dict) else _word(part) for part in parts]


def _told_as(kind: click.ParamType[Any]) -> Callable[[Any], str]:
    """How a value is written that stands under a name."""
    if isinstance(kind, SeveralHyperparameters):
        return _word
    return _json if isinstance(kind, HyperparameterType) else _single


def _word(value: Any) -> str:
    """As one would write it on the command line."""
    return ",".join(map(_single, value)) if isinstance(value, list) else _single(value)


def _single(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()

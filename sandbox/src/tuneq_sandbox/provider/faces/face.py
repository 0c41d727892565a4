"""What a dialect's face consists of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.state import State


def _by_its_name(_state: State, model: str) -> str:
    return model


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One dialect: what clients see of the stores, the jobs and the models."""

    routes: Callable[[], Sequence[web.RouteDef]]
    path: str = "/v1"
    """Of the base URL."""
    demo_model: str = "gpt-3.5-turbo"
    """The base model of the demo; the provider has it whatever else is configured."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further options that an account of the sandbox needs in this dialect.

    In a text, `{origin}` stands for the server's address.
    """
    called: Callable[[State, str], str] = _by_its_name
    """The engine's name of what chat calls so; `ApiError` where that does not answer (yet)."""
    error: Callable[[ApiError], web.Response] = ApiError.response
    """A refusal in the vendor's shape."""
    key_header: str = ""
    """A header that may hold the key by itself, in place of Authorization."""
    signed: str | None = None
    """Addresses below it are signed: whoever knows one needs no key."""


FACE_KEY = web.AppKey("face", Face)

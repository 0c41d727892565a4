"""Errors as OpenAI words and shapes them."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

INVALID = "invalid_request_error"


class ApiError(Exception):
    """A request is refused: status and the fields of the error document."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """What is said of it."""
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> web.Response:
        """The answer to send."""
        return json_response(self.document(), status=self.status, headers=self.headers)


def json_response(
    document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer of JSON."""
    return web.Response(
        body=orjson.dumps(document),
        status=status,
        headers=headers,
        content_type="application/json",
    )


def not_found(what: str, name: str, *, param: str, code: str | None = None) -> ApiError:
    """404 of an object that does not exist."""
    return ApiError(404, f"{what}: {name}", param=param, code=code)

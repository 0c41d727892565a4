"""Showing what a route of the engine answers in another shape."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from tuneq_sandbox.provider.errors import json_response

Route = Callable[[web.Request], Awaitable[web.Response]]
Change = Callable[[dict[str, Any]], dict[str, Any]]


def reshaped(route: Route, change: Change) -> Route:
    """The route with each object that it shows changed, one by itself or all of a listing."""

    async def answer(request: web.Request) -> web.Response:
        told = await route(request)
        document = orjson.loads(told.body if isinstance(told.body, bytes) else b"null")
        if document.get("object") == "list":
            document["data"] = [change(entry) for entry in document["data"]]
        else:
            document = change(document)
        return json_response(document, status=told.status)

    return answer

"""Pages of a listing."""

from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.state import STATE

MOST, USUAL = 200, 50


def page_size(request: web.Request) -> int:
    """How many entries are wanted; more than the most are the most.

    Raises:
        ApiError: 400.
    """
    given = request.query.get("pageSize", "0")
    if not given.isdecimal():
        raise ApiError(400, f"invalid pageSize: {given}")
    return min(int(given), MOST) or USUAL


def page_token(request: web.Request) -> str | None:
    """Where the page begins; none where the server ignores it, or it is the first."""
    ignored = request.app[STATE].faults.oddities.after_ignored
    return None if ignored else request.query.get("pageToken") or None


def page_of(request: web.Request, collection: str, entries: list[dict[str, Any]]) -> web.Response:
    """The page of a listing that the query asks for; its token is a place."""
    token = page_token(request)
    begin = int(token) if token and token.isdecimal() else 0
    end = begin + page_size(request)
    token = str(end) if end < len(entries) else ""
    return answer(collection, entries[begin:end], token, len(entries))


def answer(collection: str, entries: list[dict[str, Any]], token: str, total: int) -> web.Response:
    """A page; at the end of the listing the token is empty."""
    return json_response({collection: entries, "nextPageToken": token, "totalSize": total})

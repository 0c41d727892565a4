"""How Together writes instants, names and pages."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.body import query_int
from tuneq_sandbox.provider.errors import ApiError, json_response

PROJECT = "proj_sandbox"
SLUG = "sandbox"
_MOST = 500


def instant(seconds: float | None) -> str | None:
    """As in RFC 3339, in UTC, to the millisecond."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def page(request: web.Request, entries: Sequence[dict[str, Any]]) -> web.Response:
    """The entries after the cursor; the next one stands in the answer, not in an entry."""
    limit = query_int(request, "limit", 50, _MOST)
    start = 0 if "after" not in request.query else query_int(request, "after", 1, 10**9)
    end = start + limit
    more = str(end) if end < len(entries) else None
    return json_response({"data": entries[start:end], "next_cursor": more})


async def read_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        ApiError: 400, it is none.
    """
    try:
        document = await request.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ApiError(400, "invalid JSON in the request's body")
    return document


def missing(what: str, name: str) -> ApiError:
    """404 of an object that does not exist."""
    return ApiError(404, f"{what} {name} not found", code="not_found")

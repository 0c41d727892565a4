"""What happens around every request: counting, faults, errors, keys, latency."""

import asyncio
import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.faults import WORK_DONE, FaultRule
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.keys import KEY, check_key
from tuneq_sandbox.provider.state import STATE

SANDBOX = "/sandbox/"
CHAT = "/v1/chat/"
_logger = logging.getLogger(__name__)


@web.middleware
async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count the request by route and status, and name it."""
    response = await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    request.app[STATE].stats.answered(f"{request.method} {route}", response.status)
    response.headers["x-request-id"] = new_id("req_")
    return response


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request go wrong if a fault strikes it."""
    if request.path.startswith(SANDBOX):
        return await handler(request)
    state = request.app[STATE]
    rule = state.faults.choose(request.method, request.path)
    if rule is None:
        return await handler(request)
    state.stats.struck(rule.kind)
    response: web.StreamResponse = web.Response()
    if rule.kind in WORK_DONE:
        response = await handler(request)
    if rule.kind in {"drop", "lost_answer"}:
        if request.transport is not None:
            request.transport.abort()
        return response
    if rule.kind == "hang":
        await asyncio.sleep(rule.seconds)
        return response
    if rule.kind == "malformed":
        return web.Response(text='{"id": "', content_type="application/json")
    return _error(rule)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that goes wrong into an error document."""
    try:
        return await handler(request)
    except ApiError as error:
        return error.response()
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return ApiError(
            404,
            f"Unknown request URL: {request.method} {request.path}. Please check the URL for "
            "typos, or see the docs at https://platform.openai.com/docs/api-reference/.",
            code="unknown_url",
        ).response()
    except web.HTTPException as error:
        return ApiError(error.status, error.text or error.reason).response()
    except ConnectionError:
        raise
    except Exception:
        _logger.exception("%s %s", request.method, request.path)
        return ApiError(
            500, "The server had an error while processing your request.", kind="server_error"
        ).response()


@web.middleware
async def authorise(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who has a key."""
    state = request.app[STATE]
    request[KEY] = check_key(request.headers.get("Authorization"), state.keys)
    if state.config.latency_ms and not request.path.startswith((SANDBOX, CHAT)):
        await asyncio.sleep(state.config.latency_ms / 1000)
    return await handler(request)


def _error(rule: FaultRule) -> web.Response:
    return ApiError(
        rule.status, rule.message, kind=rule.type, code=rule.code, headers=rule.headers
    ).response()

"""What happens around every request: counting, faults, errors, keys, latency."""

import asyncio
import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.faces.face import FACE_KEY
from tuneq_sandbox.provider.faults import WORK_DONE, FaultRule
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.keys import KEY, check_key
from tuneq_sandbox.provider.state import STATE

SANDBOX = "/sandbox/"
CHAT = "/chat/completions"
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
    return request.app[FACE_KEY].error(_error(rule))


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn everything that goes wrong into an error document."""
    shaped = request.app[FACE_KEY].error
    try:
        return await handler(request)
    except ApiError as error:
        return shaped(error)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        return shaped(
            ApiError(
                404,
                f"Unknown request URL: {request.method} {request.path}. Please check the URL for "
                "typos, or see the docs at https://platform.openai.com/docs/api-reference/.",
                code="unknown_url",
            )
        )
    except web.HTTPException as error:
        return shaped(ApiError(error.status, error.text or error.reason))
    except ConnectionError:
        raise
    except Exception:
        _logger.exception("%s %s", request.method, request.path)
        words = "The server had an error while processing your request."
        return shaped(ApiError(500, words, kind="server_error"))


@web.middleware
async def authorise(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who has a key."""
    state, signed = request.app[STATE], request.app[FACE_KEY].signed
    if signed is not None and request.path.startswith(signed):
        return await handler(request)
    request[KEY] = check_key(_given(request), state.keys)
    timed = not request.path.startswith(SANDBOX) and not request.path.endswith(CHAT)
    if state.config.latency_ms and timed:
        await asyncio.sleep(state.config.latency_ms / 1000)
    return await handler(request)


def _given(request: web.Request) -> str | None:
    key = request.headers.get(request.app[FACE_KEY].key_header)
    return request.headers.get("Authorization") if key is None else f"Bearer {key}"


def _error(rule: FaultRule) -> ApiError:
    return ApiError(rule.status, rule.message, kind=rule.type, code=rule.code, headers=rule.headers)

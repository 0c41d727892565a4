"""Bringing a batch to its end: what is due by the clock is answered when somebody looks."""

import asyncio
import time
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from tuneq_sandbox.provider.batch import Batch, BatchStatus
from tuneq_sandbox.provider.batch_requests import BatchRequest, read_requests
from tuneq_sandbox.provider.body import validate
from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.faces.face import FACE_KEY
from tuneq_sandbox.provider.file_store import FileRecord, new_file
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.routes.chat import ChatRequest, completion
from tuneq_sandbox.provider.state import STATE, State

BATCHED = "/v1/batches/requests"
"""The path under which faults strike single requests of a batch."""
_BREATH = 100  # requests after which others have their turn
_ENDING = web.AppKey("ending", asyncio.Lock)


def allow_batches(app: web.Application) -> None:
    """Prepare an application whose routes look at batches."""
    app[_ENDING] = asyncio.Lock()


async def looked_at(app: web.Application, batch: Batch) -> Batch:
    """The batch as it is now."""
    now = time.time()
    if batch.is_active and now >= min(batch.ends_at, batch.expires_at):
        return await end(app, batch, "completed" if now >= batch.ends_at else "expired")
    return batch


async def end(app: web.Application, batch: Batch, status: BatchStatus) -> Batch:
    """Answer what is answered by then, and keep that, unless it has ended before."""
    state = app[STATE]
    async with app[_ENDING]:
        batch = state.batches.get(batch.id)
        if not batch.is_active:
            return batch
        now = min(time.time(), batch.expires_at)
        answered, failed = await _rows(app, batch, _answered_by(batch, now), status)
        output, errors = (_file(state, batch, rows) for rows in (answered, failed))
        ended = batch.model_copy(
            update={
                "status": status,
                "ended_at": now,
                "answered": len(answered),
                "failed": len(failed),
                "output_file": output.id if output else None,
                "error_file": errors.id if errors else None,
            }
        )
        state.batches.change(ended, [file for file in (output, errors) if file])
    state.release_content(batch.input_sha256)
    return ended


def _answered_by(batch: Batch, now: float) -> int:
    """Requests are answered one after the other."""
    whole = batch.ends_at - batch.created_at
    if now >= batch.ends_at or whole <= 0:
        return batch.requests
    return int(batch.requests * (now - batch.created_at) / whole)


async def _rows(
    app: web.Application, batch: Batch, answered: int, status: BatchStatus
) -> tuple[list[bytes], list[bytes]]:
    """The lines of both files."""
    good, bad = list[bytes](), list[bytes]()
    requests = read_requests(app[STATE].folder.content(batch.input_sha256))
    for number, request in enumerate(islice(requests, answered)):
        if number % _BREATH == 0:
            await asyncio.sleep(0)
        code, body = _answer(app, request)
        response = {"status_code": code, "request_id": new_id("req_"), "body": body}
        is_good = code == web.HTTPOk.status_code
        (good if is_good else bad).append(_row(request, response=response))
    if status == "expired":
        words = "This request could not be executed before the completion window expired."
        error = {"code": "batch_expired", "message": words}
        bad += [_row(request, error=error) for request in requests]
    return good, bad


def _answer(app: web.Application, request: BatchRequest) -> tuple[int, Any]:
    state = app[STATE]
    rule = state.faults.choose("POST", BATCHED)
    if rule is not None:
        error = ApiError(rule.status, rule.message, kind=rule.type, code=rule.code)
        return error.status, error.document()
    try:
        body = validate(request.body, ChatRequest)
        return web.HTTPOk.status_code, completion(state, body, app[FACE_KEY])
    except ApiError as error:
        return error.status, error.document()


def _row(request: BatchRequest, *, response: Any = None, error: Any = None) -> bytes:
    line = {
        "id": new_id("batch_req_"),
        "custom_id": request.custom_id,
        "response": response,
        "error": error,
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _file(state: State, batch: Batch, rows: list[bytes]) -> FileRecord | None:
    if not rows:
        return None
    content = state.folder.keep_bytes(b"".join(rows))
    name = f"{batch.id}_output.jsonl"
    return new_file(filename=name, purpose="batch_output", content=content, now=time.time())

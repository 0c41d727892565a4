"""The routes under /v1/batches."""

import time

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tuneq_sandbox.provider.batch import Batch, Problem
from tuneq_sandbox.provider.batch_answers import end, looked_at
from tuneq_sandbox.provider.batch_requests import ENDPOINT, look_through
from tuneq_sandbox.provider.body import query_int, read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.file_store import FileRecord
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.state import STATE, State

_WINDOW = "24h"


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    input_file_id: str
    endpoint: str
    completion_window: str
    metadata: dict[str, str] | None = Field(default=None, max_length=16)


async def create_batch(request: web.Request) -> web.Response:
    """Accept a batch; what is wrong with its file shows when one looks."""
    state = request.app[STATE]
    body = await read_body(request, _Wanted)
    for name, given, only in (
        ("endpoint", body.endpoint, ENDPOINT),
        ("completion_window", body.completion_window, _WINDOW),
    ):
        if given != only:
            words = f"Invalid value for '{name}': '{given}'. Supported values are: '{only}'."
            raise ApiError(400, words, param=name, code="invalid_value")
    now = time.time()
    file = _file(state, body.input_file_id, now)
    found = look_through(state.folder.content(file.sha256))
    problem = found if isinstance(found, Problem) else None
    requests = 0 if isinstance(found, Problem) else found
    batch = Batch(
        id=new_id("batch_"),
        endpoint=body.endpoint,
        completion_window=body.completion_window,
        input_file=file.id,
        input_sha256=file.sha256,
        metadata=None if state.faults.oddities.metadata_dropped else body.metadata,
        status="failed" if problem else "in_progress",
        created_at=now,
        expires_at=now + state.config.batch_window_s,
        requests=requests,
        ends_at=now + requests * state.config.seconds_per_batch_request,
        ended_at=now if problem else None,
        problem=problem,
    )
    state.batches.add(batch)
    shown = batch.model_copy(update={"status": "in_progress", "problem": None, "ended_at": None})
    return json_response({**shown.as_api(), "status": "validating"})


async def list_batches(request: web.Request) -> web.Response:
    """Batches, newest first."""
    state = request.app[STATE]
    oddities = state.faults.oddities
    batches, more = state.batches.page(
        after=None if oddities.after_ignored else request.query.get("after"),
        limit=query_int(request, "limit", 20, 100),
        created_before=time.time() - oddities.list_lag_s,
    )
    data = [(await looked_at(request.app, batch)).as_api() for batch in batches]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return json_response({"object": "list", "data": data, "has_more": more, **ends})


async def get_batch(request: web.Request) -> web.Response:
    """One batch object."""
    batch = request.app[STATE].batches.get(request.match_info["batch_id"])
    return json_response((await looked_at(request.app, batch)).as_api())


async def cancel_batch(request: web.Request) -> web.Response:
    """Stop a batch that has not ended; what was answered can be had."""
    found = request.app[STATE].batches.get(request.match_info["batch_id"])
    batch = await looked_at(request.app, found)
    if not batch.is_active:
        words = f"Cannot cancel a batch with status '{batch.status}'."
        raise ApiError(409, words, param="batch_id")
    return json_response((await end(request.app, batch, "cancelled")).as_api())


def _file(state: State, file_id: str, now: float) -> FileRecord:
    record = state.files.find(file_id)
    if record is None:
        raise ApiError(400, f"No such File object: {file_id}", param="input_file_id")
    if record.purpose != "batch":
        words = f"{file_id} has the purpose '{record.purpose}', but needs 'batch'."
        raise ApiError(400, words, param="input_file_id")
    if not record.is_processed(now):
        words = f"File '{file_id}' is still being processed. Please try again later."
        raise ApiError(400, words, param="input_file_id")
    return record

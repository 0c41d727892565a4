"""The routes under /v1/files."""

import base64
import time

from aiohttp import web

from tuneq_sandbox.provider.body import query_int
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.file_store import new_file
from tuneq_sandbox.provider.received import Received, receive_form
from tuneq_sandbox.provider.state import STATE

PURPOSES = ("fine-tune", "batch", "assistants", "vision", "user_data", "evals")
MAX_LISTED = 10_000


async def create_file(request: web.Request) -> web.Response:
    """Take a file in."""
    state = request.app[STATE]
    received = await receive_form(
        request, state.folder, file_field="file", max_bytes=state.config.max_file_bytes
    )
    if received.path is None:
        raise ValueError("a form without a file was accepted")
    try:
        purpose = _purpose(received)
    except ApiError:
        received.path.unlink()
        raise
    now = time.time()
    record = new_file(
        filename=received.filename,
        purpose=purpose,
        content=state.folder.keep(received.path),
        now=now,
        delay_s=state.config.file_delay_s,
    )
    state.files.add(record)
    return json_response(record.as_api(now))


async def list_files(request: web.Request) -> web.Response:
    """Files, newest first unless `order=asc`."""
    state = request.app[STATE]
    files, more = state.files.page(
        purpose=request.query.get("purpose"),
        after=request.query.get("after"),
        limit=query_int(request, "limit", MAX_LISTED, MAX_LISTED),
        newest_first=request.query.get("order", "desc") != "asc",
    )
    now = time.time()
    data = [file.as_api(now) for file in files]
    return json_response({"object": "list", "data": data, "has_more": more})


async def get_file(request: web.Request) -> web.Response:
    """One file object."""
    record = request.app[STATE].files.get(request.match_info["file_id"])
    return json_response(record.as_api(time.time()))


async def delete_file(request: web.Request) -> web.Response:
    """Forget a file; jobs that started from it go on."""
    state = request.app[STATE]
    record = state.files.get(request.match_info["file_id"])
    state.files.remove(record.id)
    state.release_content(record.sha256)
    return json_response({"id": record.id, "object": "file", "deleted": True})


async def get_content(request: web.Request) -> web.StreamResponse:
    """The bytes of a file."""
    state = request.app[STATE]
    record = state.files.get(request.match_info["file_id"])
    path = state.folder.content(record.sha256)
    is_result = record.purpose == "fine-tune-results"
    if is_result and state.faults.oddities.result_base64:
        return web.Response(body=base64.b64encode(path.read_bytes()), content_type="text/plain")
    return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})


def _purpose(received: Received) -> str:
    purpose = received.fields.get("purpose")
    if purpose is None:
        raise ApiError(
            400,
            "'purpose' is a required property",
            param="purpose",
            code="missing_required_parameter",
        )
    check_purpose(purpose)
    return purpose


def check_purpose(purpose: str) -> None:
    """Refuse a purpose that files cannot have.

    Raises:
        ApiError: 400.
    """
    if purpose not in PURPOSES:
        raise ApiError(
            400,
            f"Invalid value for 'purpose': '{purpose}'. Expected one of: {', '.join(PURPOSES)}.",
            param="purpose",
            code="invalid_value",
        )

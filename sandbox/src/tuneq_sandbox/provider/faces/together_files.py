"""Together's files: asked for, put into a storage by an address of its own, then handed in."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.together_words import missing
from tuneq_sandbox.provider.file_store import FileRecord
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.state import STATE, State
from tuneq_sandbox.provider.training_file import InvalidFileError, inspect_file

PURPOSES = {"fine-tune", "calibration", "eval", "batch-api"}
_ALL = 10**6


def routes() -> Sequence[web.RouteDef]:
    """What the SDK calls for files."""
    return [
        web.post("/v1/files", ask),
        web.put("/storage/{file_id}", put),
        web.post("/v1/files/{file_id}/preprocess", hand_in),
        web.get("/v1/files", list_files),
        web.get("/v1/files/{file_id}", get_file),
        web.delete("/v1/files/{file_id}", delete_file),
        web.get("/v1/files/{file_id}/content", get_content),
    ]


async def ask(request: web.Request) -> web.Response:
    """Say where a file may be put; or that its content is there already."""
    state, form = request.app[STATE], await request.post()
    name, purpose, checksum = (str(form.get(k, "")) for k in ("file_name", "purpose", "checksum"))
    if not name or purpose not in PURPOSES:
        raise ApiError(400, "file_name and a known purpose are required")
    for record in _files(state):
        if record.sha256 == checksum and record.purpose == purpose:
            told = {"file_id": record.id, "message": "file already exists"}
            return json_response(told, status=409)
    file_id = new_id("file-")
    place = request.url.origin().with_path(f"/storage/{file_id}")
    query = urlencode({"name": name, "purpose": purpose})
    headers = {"Location": f"{place}?{query}", "X-Together-File-Id": file_id}
    return web.Response(status=302, headers=headers)


async def put(request: web.Request) -> web.Response:
    """Take the bytes; what they are is not looked at yet."""
    state, file_id = request.app[STATE], request.match_info["file_id"]
    path = state.folder.new_incoming()
    with path.open("wb") as file:
        async for chunk in request.content.iter_chunked(1 << 20):
            file.write(chunk)
    sha256, size = state.folder.keep(path)
    record = FileRecord(
        id=file_id,
        filename=request.query["name"],
        purpose=request.query["purpose"],
        bytes=size,
        sha256=sha256,
        created_at=time.time(),
        processed_at=math.inf,
    )
    state.files.add(record)
    return web.Response(headers={"ETag": f'"{sha256}"'})


async def hand_in(request: web.Request) -> web.Response:
    """Begin to look a file through."""
    state, record = request.app[STATE], _file(request)
    if math.isinf(record.processed_at):
        processed_at = time.time() + state.config.file_delay_s
        state.files.remove(record.id)
        record = replace(record, processed_at=processed_at)
        state.files.add(record)
    return json_response(_shown(state, record))


async def list_files(request: web.Request) -> web.Response:
    """All files, on one page."""
    state = request.app[STATE]
    return json_response({"data": [_shown(state, record) for record in _files(state)]})


async def get_file(request: web.Request) -> web.Response:
    """One file."""
    return json_response(_shown(request.app[STATE], _file(request)))


async def delete_file(request: web.Request) -> web.Response:
    """Forget a file; jobs that started from it go on."""
    state, record = request.app[STATE], _file(request)
    state.files.remove(record.id)
    state.release_content(record.sha256)
    return json_response({"id": record.id, "deleted": True})


async def get_content(request: web.Request) -> web.StreamResponse:
    """The bytes of a file."""
    path = request.app[STATE].folder.content(_file(request).sha256)
    return web.FileResponse(path, headers={"Content-Type": "application/binary"})


def training_file(state: State, file_id: str) -> FileRecord:
    """A file that can be trained on.

    Raises:
        ApiError: it cannot.
    """
    record = state.files.find(file_id)
    if record is None or record.purpose != "fine-tune":
        raise ApiError(400, f"file {file_id} not found")
    if not record.is_processed(time.time()):
        raise ApiError(400, f"file {file_id} is not ready yet: it is still being processed")
    if problem := _problem(state, record):
        raise ApiError(400, f"file {file_id} is invalid: {problem}")
    return record


def _files(state: State) -> list[FileRecord]:
    files, _ = state.files.page(purpose=None, after=None, limit=_ALL, newest_first=True)
    return [file for file in files if file.purpose in PURPOSES]


def _file(request: web.Request) -> FileRecord:
    file_id = request.match_info["file_id"]
    record = request.app[STATE].files.find(file_id)
    if record is None:
        raise missing("file", file_id)
    return record


def _problem(state: State, record: FileRecord) -> str | None:
    try:
        inspect_file(state.folder.content(record.sha256))
    except InvalidFileError as error:
        return str(error)
    return None


def _shown(state: State, record: FileRecord) -> dict[str, Any]:
    status, report = "PENDING" if math.isinf(record.processed_at) else "RUNNING", None
    if record.is_processed(time.time()):
        problem = _problem(state, record)
        status = "INVALID_FORMAT" if problem else "COMPLETED"
        report = {"file_id": record.id, "valid": problem is None, "error": problem}
    return {
        "id": record.id,
        "object": "file",
        "bytes": record.bytes,
        "created_at": int(record.created_at),
        "filename": record.filename,
        "FileType": "jsonl",
        "purpose": record.purpose,
        "processing_status": status,
        "validation_report": report,
    }

"""The routes under /v1/uploads: large files in parts."""

import hashlib
import time
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.file_store import new_file
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.received import receive_form
from tuneq_sandbox.provider.routes.files import check_purpose
from tuneq_sandbox.provider.state import STATE
from tuneq_sandbox.provider.upload_store import LIFETIME_S, Upload

MAX_UPLOAD_BYTES = 8 << 30


class UploadRequest(BaseModel):
    """What is going to be uploaded."""

    model_config = ConfigDict(extra="forbid")

    bytes: int = Field(gt=0, le=MAX_UPLOAD_BYTES)
    filename: str = Field(min_length=1)
    mime_type: str
    purpose: str
    expires_after: dict[str, object] | None = None


class CompleteRequest(BaseModel):
    """The order of the parts, and the digest of the whole."""

    model_config = ConfigDict(extra="forbid")

    part_ids: list[str] = Field(min_length=1)
    md5: str | None = None


async def create_upload(request: web.Request) -> web.Response:
    """Open an upload."""
    body = await read_body(request, UploadRequest)
    check_purpose(body.purpose)
    now = time.time()
    upload = Upload(
        id=new_id("upload_"),
        filename=body.filename,
        purpose=body.purpose,
        bytes=body.bytes,
        created_at=now,
        expires_at=now + LIFETIME_S,
        status="pending",
    )
    request.app[STATE].uploads.add(upload)
    return json_response(upload.as_api(now))


async def add_part(request: web.Request) -> web.Response:
    """Take a part in."""
    state = request.app[STATE]
    upload = state.uploads.get_pending(request.match_info["upload_id"], time.time())
    received = await receive_form(
        request, state.folder, file_field="data", max_bytes=state.config.max_part_bytes
    )
    if received.path is None:
        raise ValueError("a form without a file was accepted")
    part_id, size, now = new_id("part_"), received.path.stat().st_size, time.time()
    state.folder.keep_part(received.path, part_id)
    state.uploads.add_part(part_id, upload.id, size, now)
    return json_response(
        {
            "id": part_id,
            "object": "upload.part",
            "created_at": int(now),
            "upload_id": upload.id,
        }
    )


async def complete_upload(request: web.Request) -> web.Response:
    """Make a file of the parts."""
    state = request.app[STATE]
    body = await read_body(request, CompleteRequest)
    now = time.time()
    upload = state.uploads.get_pending(request.match_info["upload_id"], now)
    parts = state.uploads.parts(upload.id)
    unknown = [part for part in body.part_ids if part not in parts]
    if unknown:
        raise ApiError(400, f"No such part: {unknown[0]}", param="part_ids")
    total = sum(parts[part] for part in body.part_ids)
    if total != upload.bytes:
        raise ApiError(
            400,
            f"The parts have {total} bytes, but the upload was announced with {upload.bytes}.",
            param="part_ids",
        )
    joined = state.folder.join(body.part_ids)
    if body.md5 is not None and _md5(joined) != body.md5.lower():
        joined.unlink()
        raise ApiError(400, "The md5 of the file is another one.", param="md5")
    file = new_file(
        filename=upload.filename,
        purpose=upload.purpose,
        content=state.folder.keep(joined),
        now=now,
        delay_s=state.config.file_delay_s,
    )
    state.uploads.complete(upload.id, file)
    state.folder.drop_parts(parts)
    return json_response(state.uploads.get(upload.id).as_api(now, file))


async def cancel_upload(request: web.Request) -> web.Response:
    """Give an upload up."""
    state = request.app[STATE]
    now = time.time()
    upload = state.uploads.get_pending(request.match_info["upload_id"], now)
    parts = state.uploads.parts(upload.id)
    state.uploads.cancel(upload.id)
    state.folder.drop_parts(parts)
    return json_response(state.uploads.get(upload.id).as_api(now))


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

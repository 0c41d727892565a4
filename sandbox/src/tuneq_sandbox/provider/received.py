"""Multipart bodies, streamed to disk."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from aiohttp import BodyPartReader, MultipartReader, web

from tuneq_sandbox.provider.errors import ApiError
from tuneq_sandbox.provider.folder import Folder

READ_BYTES = 1 << 20


@dataclass(slots=True)
class Received:
    """A form's fields, and the one file in it."""

    fields: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    """A temporary file; the receiver moves or deletes it."""
    filename: str = ""


async def receive_form(
    request: web.Request, folder: Folder, *, file_field: str, max_bytes: int
) -> Received:
    """Read a multipart form.

    Raises:
        ApiError: 400, it is no form or the file is missing; 413, the file is too long.
    """
    if not request.content_type.startswith("multipart/"):
        raise ApiError(400, "The body must be multipart/form-data.", param=file_field)
    received = Received()
    try:
        await _read_parts(await request.multipart(), received, folder, file_field, max_bytes)
    except ValueError as error:
        _forget(received)
        raise ApiError(400, f"The form cannot be read: {error}.") from error
    except BaseException:
        _forget(received)
        raise
    if received.path is None:
        raise ApiError(
            400,
            f"'{file_field}' is a required property",
            param=file_field,
            code="missing_required_parameter",
        )
    return received


async def _read_parts(
    form: MultipartReader, received: Received, folder: Folder, file_field: str, max_bytes: int
) -> None:
    async for part in form:
        if not isinstance(part, BodyPartReader):
            raise ApiError(400, "A form within a form is not read here.")
        if part.name == file_field and received.path is None:
            received.filename = part.filename or file_field
            received.path = folder.new_incoming()
            with received.path.open("wb") as file:
                await _copy(part, file, max_bytes)
        elif part.name:
            received.fields[part.name] = await part.text()


async def _copy(part: BodyPartReader, file: BinaryIO, max_bytes: int) -> None:
    while chunk := await part.read_chunk(READ_BYTES):
        if file.tell() + len(chunk) > max_bytes:
            raise ApiError(413, f"File is larger than the maximum of {max_bytes} bytes.")
        file.write(chunk)


def _forget(received: Received) -> None:
    if received.path is not None:
        received.path.unlink(missing_ok=True)

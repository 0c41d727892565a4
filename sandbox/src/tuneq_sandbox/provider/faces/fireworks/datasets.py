"""The routes of datasets, those of signed addresses included."""

import time
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.fireworks import dataset_store as store
from tuneq_sandbox.provider.faces.fireworks.listing import page_of
from tuneq_sandbox.provider.faces.fireworks.names import (
    check_account,
    check_id,
    check_signature,
    signed_address,
)
from tuneq_sandbox.provider.received import READ_BYTES, receive_form
from tuneq_sandbox.provider.state import STATE

MAX_AT_ONCE = 150 * 10**6


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class DatasetFields(_Strict):
    """What may be said of a new dataset."""

    display_name: str = Field(default="", max_length=63)
    example_count: str = "0"
    user_uploaded: dict[str, Any] | None = None
    format: str = "FORMAT_UNSPECIFIED"


class DatasetRequest(_Strict):
    """A dataset to create."""

    dataset: DatasetFields
    dataset_id: str


class AddressRequest(_Strict):
    """Files to be sent, with their lengths as texts."""

    filename_to_size: dict[str, str]
    read_mask: str | None = None


async def create_dataset(request: web.Request) -> web.Response:
    """Note a dataset whose bytes are to come."""
    check_account(request)
    state, now = request.app[STATE], time.time()
    body = await read_body(request, DatasetRequest)
    check_id(body.dataset_id)
    store.announce(state, body.dataset_id, body.dataset.display_name, now)
    return json_response(store.get(state, body.dataset_id).as_api(now))


async def list_datasets(request: web.Request) -> web.Response:
    """Datasets, by id."""
    check_account(request)
    now = time.time()
    found = [dataset.as_api(now) for dataset in store.every(request.app[STATE])]
    return page_of(request, "datasets", found)


async def get_dataset(request: web.Request) -> web.Response:
    """One dataset object."""
    check_account(request)
    found = store.get(request.app[STATE], request.match_info["dataset"])
    return json_response(found.as_api(time.time()))


async def delete_dataset(request: web.Request) -> web.Response:
    """Forget a dataset."""
    check_account(request)
    store.remove(request.app[STATE], request.match_info["dataset"])
    return json_response({})


async def upload(request: web.Request) -> web.Response:
    """Take its bytes in at once; answered in the shape of a file."""
    check_account(request)
    state, dataset_id = request.app[STATE], request.match_info["dataset"]
    store.get_empty(state, dataset_id)
    most = min(MAX_AT_ONCE, state.config.max_file_bytes)
    received = await receive_form(request, state.folder, file_field="file", max_bytes=most)
    if received.path is None:
        raise ValueError("a form without a file was accepted")
    record = store.fill(state, dataset_id, state.folder.keep(received.path), time.time())
    document = {
        "id": dataset_id,
        "object": "file",
        "bytes": record.bytes,
        "created_at": int(record.created_at),
        "filename": received.filename,
        "purpose": "fine-tune",
    }
    return json_response(document)


async def sign_upload(request: web.Request) -> web.Response:
    """An address to send the bytes to."""
    check_account(request)
    dataset_id = request.match_info["dataset"]
    store.get_empty(request.app[STATE], dataset_id)
    body = await read_body(request, AddressRequest)
    if len(body.filename_to_size) != 1:
        raise ApiError(400, "one file a dataset is taken here")
    address = signed_address(request, f"datasets/{dataset_id}")
    return json_response({"filenameToSignedUrls": dict.fromkeys(body.filename_to_size, address)})


async def validate_upload(request: web.Request) -> web.Response:
    """All of the bytes have been sent."""
    check_account(request)
    store.accept(request.app[STATE], request.match_info["dataset"], time.time())
    return json_response({})


async def sign_download(request: web.Request) -> web.Response:
    """An address to fetch the bytes from."""
    check_account(request)
    found = store.get(request.app[STATE], request.match_info["dataset"])
    address = signed_address(request, f"datasets/{found.id}")
    return json_response({"filenameToSignedUrls": {"data.jsonl": address} if found.file else {}})


async def put_content(request: web.Request) -> web.Response:
    """Take bytes in at a signed address."""
    check_signature(request)
    state, dataset_id = request.app[STATE], request.match_info["dataset"]
    path = state.folder.new_incoming()
    with path.open("wb") as file:
        async for piece in request.content.iter_chunked(READ_BYTES):
            file.write(piece)
    store.put_aside(state, dataset_id, state.folder.keep(path), time.time())
    return web.Response()


async def get_content(request: web.Request) -> web.StreamResponse:
    """The bytes of a dataset."""
    check_signature(request)
    state = request.app[STATE]
    file = store.get(state, request.match_info["dataset"]).file
    if file is None:
        raise ApiError(404, "NoSuchKey")
    return web.FileResponse(state.folder.content(file.sha256))

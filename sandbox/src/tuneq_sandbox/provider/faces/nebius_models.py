"""Custom models: each a checkpoint that is served under a name of its own."""

import secrets
import string
import time
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.deployment_store import Deployment
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.job_records import TunedModel
from tuneq_sandbox.provider.routes.models import unknown_model
from tuneq_sandbox.provider.state import STATE, State

_LETTERS = 4  # that Nebius puts behind a name
_DESCRIBED = " "  # between a source and its description, as the store keeps them


class _Order(BaseModel):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
    base_model: str
    source: str
    description: str | None = None


def called(state: State, model: str) -> str:
    """A base model by its name; a custom one by its full name, once it is validated."""
    if model in state.config.base_models:
        return model
    custom = state.deployments.find(model)
    if custom is None or not custom.is_ready(time.time()):
        raise unknown_model(model)
    return _source(state, custom.model.partition(_DESCRIBED)[0]).name


async def create(request: web.Request) -> web.Response:
    """Make a custom model of a checkpoint; the name gets some letters behind it."""
    state = request.app[STATE]
    order = await read_body(request, _Order)
    if order.base_model not in state.config.base_models:
        raise unknown_model(order.base_model)
    _source(state, order.source)
    letters = "".join(secrets.choice(string.ascii_letters) for _ in range(_LETTERS))
    now = time.time()
    custom = Deployment(
        id=f"{order.base_model}-LoRa:{order.name}-{letters}",
        name=order.name,
        model=f"{order.source}{_DESCRIBED}{order.description or ''}",
        created_at=now,
        ready_at=now + state.config.deployment_delay_s,
    )
    state.deployments.add(custom)
    return json_response(_created(custom, "validating"))


async def list_all(request: web.Request) -> web.Response:
    """All custom models, as a bare list."""
    return json_response([_info(each) for each in request.app[STATE].deployments.standing()])


async def get(request: web.Request) -> web.Response:
    """One custom model."""
    return json_response(_info(_asked(request)))


async def delete(request: web.Request) -> web.Response:
    """Serve a custom model no longer."""
    custom = _asked(request)
    request.app[STATE].deployments.remove(custom.id, time.time())
    return json_response(_created(custom, "deleted"))


def _asked(request: web.Request) -> Deployment:
    asked = request.match_info
    name = f"{asked['vendor']}/{asked['full_name']}"
    custom = request.app[STATE].deployments.find(name)
    if custom is None:
        raise ApiError(404, f"Model {name} not found")
    return custom


def _source(state: State, source: str) -> TunedModel:
    job_id, _, checkpoint = source.partition(":")
    for each in state.jobs.checkpoints(state.jobs.get(job_id).id):
        if each.id == checkpoint:
            return each
    raise ApiError(400, f"Checkpoint {source} does not exist", param="source")


def _created(custom: Deployment, status: str) -> dict[str, Any]:
    source, _, description = custom.model.partition(_DESCRIBED)
    return {
        "name": custom.id,
        "base_model": custom.id.rpartition("-LoRa:")[0],
        "source": source,
        "description": description or None,
        "created_at": int(custom.created_at),
        "status": status,
    }


def _info(custom: Deployment) -> dict[str, Any]:
    source, _, description = custom.model.partition(_DESCRIBED)
    job_id, _, checkpoint = source.partition(":")
    return {
        "type": "text2text",
        "name": custom.id,
        "status": "active" if custom.is_ready(time.time()) else "validating",
        "status_reason": None,
        "checkpoint_id": checkpoint,
        "job_id": job_id,
        "file_id": None,
        "url": None,
        "created_at": int(custom.created_at),
        "description": description or None,
        "vendor": "meta",
        "tags": ["lora"],
        "use_cases": ["lora"],
    }

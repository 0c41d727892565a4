"""Azure's management of one resource: deployments, by which alone models answer."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.deployment_store import Deployment
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.azure_names import engine_name, job_of
from tuneq_sandbox.provider.state import STATE, State

OPTIONS: Mapping[str, Any] = {
    "subscription": "00000000-1111-2222-3333-444444444444",
    "resource_group": "sandbox",
    "resource": "sandbox",
    "management_url": "{origin}",
    "management_token_file": "./sandbox.key",
}
"""Of an account of the sandbox; `{origin}` stands for the server's address."""

PAGE = 20
_TYPE = "Microsoft.CognitiveServices/accounts"
_UNKNOWN = (
    "The API deployment for this resource does not exist. If you created the deployment within "
    "the last 5 minutes, please wait a moment and try again."
)
_PATH = (
    f"/subscriptions/{OPTIONS['subscription']}/resourceGroups/{OPTIONS['resource_group']}"
    f"/providers/{_TYPE}/{OPTIONS['resource']}/deployments"
)


class Addressed(BaseModel):
    """A request to a model."""

    model: str


class _Model(BaseModel):
    format: str
    name: str
    version: str

    def whole(self) -> str:
        """Its name to the data plane: a base model's version is the date in its name."""
        return self.name if job_of(self.name) else f"{self.name}-{self.version}"


class _Sku(BaseModel):
    name: str
    capacity: int = Field(gt=0)


class _Properties(BaseModel):
    model: _Model


class _Order(BaseModel):
    sku: _Sku
    properties: _Properties


def called(state: State, model: str) -> str:
    """What a deployment of that name stands for, once chat knows it.

    Somebody has deployed all base models, under their own names.
    """
    if model in state.config.base_models:
        return model
    found = state.deployments.find(model)
    if found is None or not found.is_ready(time.time()):
        raise ApiError(404, _UNKNOWN, code="DeploymentNotFound")
    return _engine(state, found.model)


async def put(request: web.Request) -> web.Response:
    """Have a deployment stand; one that stands already with that model is left alone."""
    _check_version(request)
    state, name, now = request.app[STATE], request.match_info["name"], time.time()
    model = (await read_body(request, _Order)).properties.model.whole()
    _engine(state, model)
    former = state.deployments.find(name)
    if former is not None and former.model == model:
        return json_response(_shown(former, _state(former)))
    if former is not None:
        state.deployments.remove(name, now)
    delay = state.config.deployment_delay_s
    made = Deployment(id=name, name=name, model=model, created_at=now, ready_at=now + delay)
    state.deployments.add(made)
    return json_response(_shown(made, "Accepted"), status=201)


async def get(request: web.Request) -> web.Response:
    """One deployment."""
    _check_version(request)
    name = request.match_info["name"]
    found = next((each for each in _all(request.app[STATE]) if each.id == name), None)
    if found is None:
        words = f"The Resource '{_TYPE}/deployments/{name}' was not found."
        raise ApiError(404, words, code="ResourceNotFound")
    return json_response(_shown(found, _state(found)))


async def list_all(request: web.Request) -> web.Response:
    """Deployments by name, some at a time."""
    _check_version(request)
    after = request.query.get("$skipToken", "")
    rest = [each for each in _all(request.app[STATE]) if each.id > after]
    page = rest[:PAGE]
    more = {}
    if len(rest) > PAGE:
        more["nextLink"] = str(request.url.update_query({"$skipToken": page[-1].id}))
    return json_response({"value": [_shown(each, _state(each)) for each in page], **more})


async def delete(request: web.Request) -> web.Response:
    """Take a deployment away; 204 where there is none."""
    _check_version(request)
    state, name = request.app[STATE], request.match_info["name"]
    if state.deployments.find(name) is None:
        return web.Response(status=204)
    state.deployments.remove(name, time.time())
    return web.Response(status=202, headers={"azure-asyncoperation": str(request.url)})


def routes() -> Sequence[web.RouteDef]:
    """The management's routes."""
    one = _PATH + "/{name}"
    return [
        web.get(_PATH, list_all),
        web.get(one, get),
        web.put(one, put),
        web.delete(one, delete),
    ]


def _check_version(request: web.Request) -> None:
    if "api-version" not in request.query:
        raise ApiError(
            400,
            "The api-version query parameter (?api-version=) is required for all requests.",
            code="MissingApiVersionParameter",
        )


def _all(state: State) -> list[Deployment]:
    since = state.started_at
    base = [
        Deployment(id=name, name=name, model=name, created_at=since, ready_at=since)
        for name in state.config.base_models
    ]
    return sorted([*base, *state.deployments.standing()], key=lambda each: each.id)


def _engine(state: State, model: str) -> str:
    job_id = job_of(model)
    known = engine_name(model, state.jobs.get(job_id)) if job_id else model
    if known not in state.config.base_models and state.jobs.find_model(known) is None:
        words = f"The model 'Format:OpenAI,Name:{model},Version:1' is not supported."
        raise ApiError(400, words, code="DeploymentModelNotSupported")
    return known


def _state(deployment: Deployment) -> str:
    """The management is done with it some time before chat knows it."""
    done = (deployment.created_at + deployment.ready_at) / 2
    return "Succeeded" if time.time() >= done else "Creating"


def _shown(deployment: Deployment, state: str) -> dict[str, Any]:
    created = datetime.fromtimestamp(deployment.created_at, UTC).isoformat().replace("+00:00", "Z")
    name, version = deployment.model, "1"
    if job_of(name) is None and len(name.rsplit("-", 3)) > 3:  # noqa: PLR2004 - year, month, day
        base, *date = name.rsplit("-", 3)
        name, version = base, "-".join(date)
    return {
        "id": f"{_PATH}/{deployment.name}",
        "type": f"{_TYPE}/deployments",
        "name": deployment.name,
        "sku": {"name": "Standard", "capacity": 1},
        "properties": {
            "model": {"format": "OpenAI", "name": name, "version": version},
            "versionUpgradeOption": "NoAutoUpgrade",
            "capabilities": {"chatCompletion": "true"},
            "provisioningState": state,
        },
        "systemData": {"createdBy": "sandbox", "createdByType": "User", "createdAt": created},
        "etag": f'"{deployment.name}"',
    }

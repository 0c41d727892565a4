"""The routes of deployments."""

import time
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.deployment_store import Deployment
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.fireworks.listing import page_of
from tuneq_sandbox.provider.faces.fireworks.models import engine_name
from tuneq_sandbox.provider.faces.fireworks.names import check_account, chosen_id, full, moment
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.state import STATE, State


class DeploymentRequest(BaseModel):
    """A deployment to create; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    base_model: str
    display_name: str = ""
    min_replica_count: int = 0
    max_replica_count: int = 1
    autoscaling_policy: dict[str, Any] = {}
    deployment_shape: str | None = None


async def create_deployment(request: web.Request) -> web.Response:
    """Begin a deployment under the id that was chosen for it, unless there is or was one."""
    check_account(request)
    state, now = request.app[STATE], time.time()
    deployment_id = chosen_id(request, "deploymentId") or new_id("d")
    body = await read_body(request, DeploymentRequest)
    if engine_name(state, body.base_model) is None:
        raise ApiError(404, f"model {body.base_model} not found")
    if state.deployments.find(deployment_id) or _removed(state, deployment_id):
        raise ApiError(409, f"{full('deployments', deployment_id)} already exists")
    made = _begun(state, deployment_id, body.base_model, now)
    return json_response(_document(made, now))


async def undelete_deployment(request: web.Request) -> web.Response:
    """Bring back one that was removed."""
    check_account(request)
    state, now = request.app[STATE], time.time()
    removed = _removed(state, request.match_info["deployment"])
    if removed is None:
        raise ApiError(400, "only a deployment in state DELETED can be undeleted")
    return json_response(_document(_begun(state, removed.id, removed.model, now), now))


async def list_deployments(request: web.Request) -> web.Response:
    """Deployments that stand, oldest first."""
    check_account(request)
    now = time.time()
    found = [_document(each, now) for each in request.app[STATE].deployments.standing()]
    return page_of(request, "deployments", found)


async def get_deployment(request: web.Request) -> web.Response:
    """One deployment object; one that was removed is shown as such."""
    check_account(request)
    state, deployment_id = request.app[STATE], request.match_info["deployment"]
    found = state.deployments.find(deployment_id) or _removed(state, deployment_id)
    if found is None:
        raise _unknown(deployment_id)
    return json_response(_document(found, time.time()))


async def delete_deployment(request: web.Request) -> web.Response:
    """Take a deployment away."""
    check_account(request)
    state, deployment_id = request.app[STATE], request.match_info["deployment"]
    if state.deployments.find(deployment_id) is None:
        raise _unknown(deployment_id)
    state.deployments.remove(deployment_id, time.time())
    return json_response({})


def _begun(state: State, deployment_id: str, model: str, now: float) -> Deployment:
    ready_at = now + state.config.deployment_delay_s
    made = Deployment(
        id=deployment_id, name=deployment_id, model=model, created_at=now, ready_at=ready_at
    )
    state.deployments.add(made)
    return made


def _removed(state: State, deployment_id: str) -> Deployment | None:
    sql = "SELECT * FROM deployments WHERE id = ? ORDER BY removed_at IS NULL DESC, removed_at DESC"
    row = state.database.row(sql, deployment_id)
    found = Deployment(**dict(row)) if row else None
    return found if found and found.removed_at is not None else None


def _unknown(deployment_id: str) -> ApiError:
    return ApiError(404, f"{full('deployments', deployment_id)} not found")


def _document(deployment: Deployment, now: float) -> dict[str, Any]:
    state = "READY" if deployment.is_ready(now) else "CREATING"
    gone = deployment.removed_at is not None
    return {
        "name": full("deployments", deployment.id),
        "displayName": deployment.name,
        "createTime": moment(deployment.created_at),
        "deleteTime": moment(deployment.removed_at),
        "baseModel": deployment.model,
        "state": "DELETED" if gone else state,
        "status": {"code": "OK", "message": ""},
        "minReplicaCount": 0,
        "maxReplicaCount": 1,
        "replicaCount": int(state == "READY" and not gone),
        "acceleratorCount": 1,
        "acceleratorType": "NVIDIA_H200_141GB",
        "region": "REGION_UNSPECIFIED",
    }

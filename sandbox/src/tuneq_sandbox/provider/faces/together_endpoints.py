"""Together's dedicated endpoints, with the deployments under them."""

import time
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.deployment_store import Deployment
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.together_registry import routes as registry_routes
from tuneq_sandbox.provider.faces.together_registry import weights_of
from tuneq_sandbox.provider.faces.together_words import (
    PROJECT,
    SLUG,
    instant,
    missing,
    page,
    read_object,
)
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.state import STATE, State

_V2 = f"/v2/projects/{PROJECT}"
_ENDPOINTS = _V2 + "/endpoints"
_DEPLOYMENTS = _ENDPOINTS + "/{endpoint_id}/deployments"
_STATE = "DEPLOYMENT_STATE_"


class Endpoints:
    """Endpoints that nothing stands under are forgotten at the end of the server's process."""

    def __init__(self) -> None:
        self._empty: dict[str, str] = {}  # id: name
        self._stopped: set[str] = set()

    def routes(self) -> Sequence[web.RouteDef]:
        """What the SDK calls for models and deployments."""
        return [
            *registry_routes(),
            web.post(_ENDPOINTS, self.create_endpoint),
            web.get(_ENDPOINTS, self.list_endpoints),
            web.delete(_ENDPOINTS + "/{endpoint_id}", self.delete_endpoint),
            web.post(_DEPLOYMENTS, self.create),
            web.get(_DEPLOYMENTS + "/{deployment_id}", self.get),
            web.patch(_DEPLOYMENTS + "/{deployment_id}", self.scale),
            web.delete(_DEPLOYMENTS + "/{deployment_id}", self.delete),
        ]

    def called(self, state: State, name: str) -> str:
        """The engine's name of a base model, or of what a deployment that is ready serves."""
        if name in state.config.base_models:
            return name
        for each in state.deployments.standing():
            if name == _name(each):
                if each.id in self._stopped or not each.is_ready(time.time()):
                    raise ApiError(503, f"{name} is not ready", kind="service_unavailable")
                return each.model
        raise ApiError(404, f"Unable to access model {name}.", code="model_not_available")

    async def create_endpoint(self, request: web.Request) -> web.Response:
        """Make an endpoint, which costs nothing by itself."""
        name = str((await read_object(request)).get("name") or "")
        if not name:
            raise ApiError(400, "name is required")
        if name in self._names(request.app[STATE]).values():
            raise ApiError(409, f"endpoint {name} already exists", code="already_exists")
        endpoint_id = new_id("ep_")
        self._empty[endpoint_id] = name
        return json_response(self._endpoint(request.app[STATE], endpoint_id, name))

    async def list_endpoints(self, request: web.Request) -> web.Response:
        """All endpoints, each with a summary of its deployments."""
        state = request.app[STATE]
        names = self._names(state)
        return page(request, [self._endpoint(state, key, name) for key, name in names.items()])

    async def delete_endpoint(self, request: web.Request) -> web.Response:
        """Delete an endpoint that nothing stands under."""
        endpoint_id = request.match_info["endpoint_id"]
        if _under(request.app[STATE], endpoint_id):
            raise ApiError(400, f"endpoint {endpoint_id} has deployments")
        if self._empty.pop(endpoint_id, None) is None:
            raise missing("endpoint", endpoint_id)
        return json_response({})

    async def create(self, request: web.Request) -> web.Response:
        """Begin to deploy a model."""
        state, body = request.app[STATE], await read_object(request)
        endpoint_id = request.match_info["endpoint_id"]
        endpoint = self._names(state).get(endpoint_id)
        if endpoint is None:
            raise missing("endpoint", endpoint_id)
        if _under(state, endpoint_id):
            raise ApiError(409, f"deployment {body.get('name')} exists", code="already_exists")
        if not str(body.get("config", "")).startswith("projects/"):
            raise ApiError(400, "config is required")
        if body.get("autoscaling", {}).get("minReplicas") != 1:
            raise ApiError(400, "autoscaling.minReplicas is required")
        now = time.time()
        made = Deployment(
            id=f"{endpoint_id}/{new_id('dep_')}",
            name=f"{endpoint}/{body.get('name')}",
            model=weights_of(state, str(body.get("model"))),
            created_at=now,
            ready_at=now + state.config.deployment_delay_s,
        )
        state.deployments.add(made)
        self._empty.pop(endpoint_id, None)
        return json_response(self._shown(made))

    async def get(self, request: web.Request) -> web.Response:
        """One deployment."""
        return json_response(self._shown(_find(request)))

    async def scale(self, request: web.Request) -> web.Response:
        """Start a deployment, or stop it."""
        found, body = _find(request), await read_object(request)
        if body.get("autoscaling", {}).get("maxReplicas"):
            self._stopped.discard(found.id)
        else:
            self._stopped.add(found.id)
        return json_response(self._shown(found))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a deployment that was stopped."""
        found, state = _find(request), request.app[STATE]
        if found.id not in self._stopped:
            raise ApiError(400, f"deployment {found.id} must be stopped before it can be deleted")
        state.deployments.remove(found.id, time.time())
        self._stopped.discard(found.id)
        self._empty[found.id.partition("/")[0]] = found.name.partition("/")[0]
        return json_response({})

    def _names(self, state: State) -> dict[str, str]:
        standing = state.deployments.standing()
        used = {each.id.partition("/")[0]: each.name.partition("/")[0] for each in standing}
        return self._empty | used

    def _endpoint(self, state: State, endpoint_id: str, name: str) -> dict[str, Any]:
        shown = [self._shown(each) for each in _under(state, endpoint_id)]
        for each in shown:
            status = each.pop("status")
            each.update(state=status["state"], readyReplicas=status["readyReplicas"])
        return {
            "id": endpoint_id,
            "name": f"{SLUG}/{name}",
            "projectId": PROJECT,
            "endpointType": "ENDPOINT_TYPE_DEDICATED",
            "deployments": shown,
            "trafficSplit": [],
            "visibility": "VISIBILITY_PRIVATE",
            "etag": "1",
        }

    def _shown(self, deployment: Deployment) -> dict[str, Any]:
        ready = deployment.is_ready(time.time())
        state = "READY" if ready else "PROVISIONING"
        stopped = deployment.id in self._stopped
        endpoint_id, _, inner_id = deployment.id.partition("/")
        return {
            "id": inner_id,
            "endpointId": endpoint_id,
            "projectId": PROJECT,
            "name": _name(deployment),
            "model": f"projects/{PROJECT}/models/{deployment.model}/revisions/rv_1",
            "createdAt": instant(deployment.created_at),
            "updatedAt": instant(deployment.created_at),
            "hardware": "1x_sandbox",
            "etag": "1",
            "status": {
                "state": _STATE + ("STOPPED" if stopped else state),
                "message": "",
                "readyReplicas": int(ready and not stopped),
            },
        }


def _find(request: web.Request) -> Deployment:
    given = request.match_info
    found = request.app[STATE].deployments.find(f"{given['endpoint_id']}/{given['deployment_id']}")
    if found is None:
        raise missing("deployment", given["deployment_id"])
    return found


def _under(state: State, endpoint_id: str) -> list[Deployment]:
    standing = state.deployments.standing()
    return [each for each in standing if each.id.startswith(f"{endpoint_id}/")]


def _name(deployment: Deployment) -> str:
    return f"{SLUG}/{deployment.name}"

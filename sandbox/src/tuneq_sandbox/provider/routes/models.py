"""The routes under /v1/models."""

from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.job_records import TunedModel
from tuneq_sandbox.provider.state import STATE, State


async def list_models(request: web.Request) -> web.Response:
    """Base models, then tuned ones."""
    state = request.app[STATE]
    data = [_base(state, name) for name in state.config.base_models]
    data += [_tuned(state, model) for model in state.jobs.final_models()]
    return json_response({"object": "list", "data": data})


async def get_model(request: web.Request) -> web.Response:
    """One model object."""
    state = request.app[STATE]
    name = request.match_info["model"]
    if name in state.config.base_models:
        return json_response(_base(state, name))
    model = state.jobs.find_model(name)
    if model is None:
        raise unknown_model(name)
    return json_response(_tuned(state, model))


def unknown_model(name: str) -> ApiError:
    """404 of a model."""
    return ApiError(
        404,
        f"The model `{name}` does not exist or you do not have access to it.",
        param="model",
        code="model_not_found",
    )


def _base(state: State, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": int(state.started_at),
        "owned_by": "sandbox",
        "shutdown_date": state.config.shutdown_dates.get(name),
    }


def _tuned(state: State, model: TunedModel) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": int(model.created_at),
        "owned_by": state.config.organization,
    }

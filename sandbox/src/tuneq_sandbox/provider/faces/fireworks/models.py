"""The routes of models, and which of them chat answers."""

import time
from datetime import date
from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.fireworks.job_document import OUTPUT_MODEL
from tuneq_sandbox.provider.faces.fireworks.listing import page_of
from tuneq_sandbox.provider.faces.fireworks.names import ACCOUNT, LIBRARY, full, own_id
from tuneq_sandbox.provider.job import Job
from tuneq_sandbox.provider.state import STATE, State


async def list_models(request: web.Request) -> web.Response:
    """The library's models, or the account's own."""
    state, account = request.app[STATE], request.match_info["account"]
    return page_of(request, "models", _library(state) if account == LIBRARY else _own(state))


async def get_model(request: web.Request) -> web.Response:
    """One model object, with the deployments that it answers from."""
    state, account = request.app[STATE], request.match_info["account"]
    name = f"accounts/{account}/models/{request.match_info['model']}"
    everything = _library(state) + _own(state)
    found = next((model for model in everything if model["name"] == name), None)
    if found is None or account not in {LIBRARY, ACCOUNT}:
        raise ApiError(404, f"model {name} not found")
    now = time.time()
    refs = [
        {
            "name": full("deployedModels", each.id),
            "deployment": full("deployments", each.id),
            "state": "DEPLOYED" if each.is_ready(now) else "DEPLOYING",
            "default": True,
            "public": False,
        }
        for each in state.deployments.standing()
        if each.model == name
    ]
    return json_response({**found, "deployedModelRefs": refs})


def engine_name(state: State, model: str) -> str | None:
    """What the engine calls a model; none where there is no such model."""
    if model in state.config.base_models:
        return model
    job = _maker(state, model)
    return job.fine_tuned_model if job else None


def called(state: State, model: str) -> str:
    """What the engine calls what chat calls so.

    Raises:
        ApiError: 404, it does not exist or is not deployed; 503, it is not up yet.
    """
    deployment_id = own_id("deployments", model.partition("#")[2] or model)
    if deployment_id is None and model in state.config.base_models:
        return model
    found = state.deployments.find(deployment_id) if deployment_id else None
    name = engine_name(state, found.model) if found else None
    if found is None or name is None:
        words = "Model not found, inaccessible, and/or not deployed"
        raise ApiError(404, words, code="NOT_FOUND")
    if not found.is_ready(time.time()):
        words = "Deployment is currently scaled to zero and is scaling up. Please retry later."
        raise ApiError(503, words, kind="error", code="DEPLOYMENT_SCALING_UP")
    return name


def _maker(state: State, model: str) -> Job | None:
    jobs, _ = state.jobs.page(
        after=None, limit=1, metadata={OUTPUT_MODEL: model}, created_before=time.time()
    )
    return jobs[0] if jobs else None


def _library(state: State) -> list[dict[str, Any]]:
    begun = f"accounts/{LIBRARY}/models/"
    names = [name for name in state.config.base_models if name.startswith(begun)]
    return [
        {
            "name": name,
            "kind": "HF_BASE_MODEL",
            "state": "READY",
            "public": True,
            "tunable": True,
            "supportsLora": True,
            "supportsServerless": True,
            "deprecationDate": _day(state.config.shutdown_dates.get(name)),
        }
        for name in names
    ]


def _own(state: State) -> list[dict[str, Any]]:
    return [
        {
            "name": (state.jobs.get(model.job).metadata or {}).get(OUTPUT_MODEL),
            "kind": "HF_PEFT_ADDON",
            "state": "READY",
            "public": False,
            "tunable": False,
            "supportsServerless": False,
            "fineTuningJob": full("supervisedFineTuningJobs", model.job),
            "deprecationDate": None,
        }
        for model in state.jobs.final_models()
    ]


def _day(written: str | None) -> dict[str, int] | None:
    if written is None:
        return None
    day = date.fromisoformat(written)
    return {"year": day.year, "month": day.month, "day": day.day}

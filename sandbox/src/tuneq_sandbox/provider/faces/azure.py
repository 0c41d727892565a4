"""The face of an Azure OpenAI resource: its data plane, and its management beside it.

After Microsoft's v1 specification and how-to pages of 2026-10, and the management's 2024-10-01.
"""

from collections.abc import Sequence
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces import azure_management as management
from tuneq_sandbox.provider.faces.azure_names import shown_model
from tuneq_sandbox.provider.faces.face import Face
from tuneq_sandbox.provider.faces.openai import openai_routes
from tuneq_sandbox.provider.faces.reshaping import reshaped
from tuneq_sandbox.provider.job_request import JobRequest
from tuneq_sandbox.provider.routes import chat, files, jobs
from tuneq_sandbox.provider.state import STATE

PATH = "/openai/v1"
_JOBS = PATH + "/fine_tuning/jobs"
_FILES = PATH + "/files"
_WAITING = {"validating_files": "pending", "queued": "pending", "uploaded": "pending"}
_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
    "valid key for an active subscription and use a correct regional API endpoint for your "
    "resource."
)


class _Order(JobRequest):
    suffix: str | None = Field(default=None, min_length=1, max_length=18)
    trainingType: Literal["Standard", "GlobalStandard", "developerTier"] | None = None  # noqa: N815 - Azure's spelling


async def create_job(request: web.Request) -> web.Response:
    """Accept a job, whatever its training type."""
    order = await read_body(request, _Order)
    return json_response(_job(jobs.start_job(request.app, order).as_api()), status=201)


async def complete_chat(request: web.Request) -> web.Response:
    """Find the deployment before anything else is looked at."""
    order = await read_body(request, management.Addressed)
    management.called(request.app[STATE], order.model)
    return await chat.complete_chat(request)


def _job(document: dict[str, Any]) -> dict[str, Any]:
    return {
        **document,
        "status": _WAITING.get(document["status"], document["status"]),
        "fine_tuned_model": shown_model(document["fine_tuned_model"], document["id"]),
        "organization_id": None,
        "result_files": document["result_files"] or None,
        "error": document["error"] or None,
        "integrations": None,
    }


def _file(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "status": _WAITING.get(document["status"], document["status"])}


def _checkpoint(document: dict[str, Any]) -> dict[str, Any]:
    model, job = document["fine_tuned_model_checkpoint"], document["fine_tuning_job_id"]
    metrics = {name: value for name, value in document["metrics"].items() if value is not None}
    return {
        **document,
        "id": document["id"].replace("ftckpt_", "ftchkpt-"),
        "fine_tuned_model_checkpoint": shown_model(model, job),
        "metrics": {**metrics, "step": float(metrics["step"])},
    }


def _error(error: ApiError) -> web.Response:
    """Code and words alone; the code of a refused key is its status."""
    known = {401: ("401", _DENIED), 404: (error.code or "404", error.message)}
    code, words = known.get(error.status, (error.code or str(error.status), error.message))
    document = {"error": {"code": code, "message": words}}
    return json_response(document, status=error.status, headers=error.headers)


def _routes() -> Sequence[web.RouteDef]:
    changed = [
        web.post(PATH + "/chat/completions", complete_chat),
        web.post(_FILES, reshaped(files.create_file, _file)),
        web.get(_FILES, reshaped(files.list_files, _file)),
        web.get(_FILES + "/{file_id}", reshaped(files.get_file, _file)),
        web.post(_JOBS, create_job),
        web.get(_JOBS, reshaped(jobs.list_jobs, _job)),
        web.get(_JOBS + "/{job_id}", reshaped(jobs.get_job, _job)),
        web.post(_JOBS + "/{job_id}/cancel", reshaped(jobs.cancel_job, _job)),
        web.get(_JOBS + "/{job_id}/checkpoints", reshaped(jobs.list_checkpoints, _checkpoint)),
    ]
    taken = {(each.method, each.path) for each in changed}
    kept = [each for each in openai_routes(PATH) if (each.method, each.path) not in taken]
    return [*changed, *kept, *management.routes()]


FACE = Face(
    routes=_routes,
    path=PATH,
    demo_model="gpt-4.1-mini-2025-04-14",
    options=management.OPTIONS,
    called=management.called,
    error=_error,
    key_header="api-key",
)

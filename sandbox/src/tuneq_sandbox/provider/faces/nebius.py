"""The face of Nebius Token Factory: the OpenAI shape less some fields, and custom models.

After its API reference (openapi 20260506) and its cookbook of 2025-12.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces import nebius_models
from tuneq_sandbox.provider.faces.face import Face
from tuneq_sandbox.provider.faces.reshaping import reshaped
from tuneq_sandbox.provider.job_request import MAX_SEED, HyperparametersRequest, JobRequest
from tuneq_sandbox.provider.routes import chat, files, jobs, models

_JOBS = "/v1/fine_tuning/jobs"
_FILES = "/v1/files"
_CUSTOM = "/v0/models"
_USUAL_RATE = 1e-5  # the reference's default, with which a model learns as fast as usual


class _Knobs(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    n_epochs: Annotated[int, Field(ge=1, le=50)] = 3
    batch_size: Annotated[int, Field(ge=1, le=256)] = 8
    learning_rate: Annotated[float, Field(gt=0, le=1e-3)] = _USUAL_RATE
    warmup_ratio: Annotated[float, Field(ge=0, le=1)] = 0
    weight_decay: Annotated[float, Field(ge=0)] = 0
    max_grad_norm: Annotated[float, Field(ge=0)] = 1
    context_length: Annotated[int, Field(ge=1)] = 8192
    packing: bool = True
    lora: bool = False
    lora_r: Annotated[int, Field(ge=1)] = 8
    lora_alpha: Annotated[int, Field(ge=1)] = 8
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0


class _Order(BaseModel):
    """A job to create; what else stands there, such as metadata, is ignored."""

    model: str
    training_file: str
    validation_file: str | None = None
    hyperparameters: _Knobs | None = None
    method: dict[str, Any] | None = None
    suffix: str | None = Field(default=None, max_length=64)
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED)

    @model_validator(mode="after")
    def _one_place_for_numbers(self) -> "_Order":
        if self.method is not None and self.hyperparameters is not None:
            raise ValueError("Only one of 'method' and 'hyperparameters' can be given")
        return self


async def create_job(request: web.Request) -> web.Response:
    """Accept a job; of the numbers three are learnt with."""
    order = await read_body(request, _Order)
    knobs = order.hyperparameters or _Knobs()
    body = JobRequest(
        model=order.model,
        training_file=order.training_file,
        validation_file=order.validation_file,
        suffix=order.suffix or None,
        seed=order.seed,
        hyperparameters=HyperparametersRequest(
            n_epochs=knobs.n_epochs,
            batch_size=knobs.batch_size,
            learning_rate_multiplier=knobs.learning_rate / _USUAL_RATE,
        ),
    )
    return json_response(_job(jobs.start_job(request.app, body).as_api()))


async def list_checkpoints(request: web.Request) -> web.Response:
    """A job's checkpoints, the first epoch's first, each with the files of its weights."""
    told = await reshaped(jobs.list_checkpoints, _checkpoint)(request)
    page = orjson.loads(told.body if isinstance(told.body, bytes) else b"null")
    return json_response({**page, "data": page["data"][::-1]})


def _job(document: dict[str, Any]) -> dict[str, Any]:
    shown = (
        *("id", "created_at", "finished_at", "estimated_finish", "model", "object", "result_files"),
        *("seed", "status", "trained_tokens", "training_file", "validation_file"),
    )
    numbers = document["hyperparameters"]
    rate = numbers["learning_rate_multiplier"]
    rate = _USUAL_RATE * (1.0 if rate == "auto" else rate)
    told = {name: numbers[name] for name in ("n_epochs", "batch_size")}
    return {
        **{name: document[name] for name in shown},
        "error": document["error"] or None,
        "hyperparameters": {**_Knobs().model_dump(), **told, "learning_rate": rate},
        "integrations": [],
        "organization_id": "",
        "suffix": document["user_provided_suffix"],
        "trained_steps": None,
        "total_steps": None,
    }


def _file(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("status")}


def _checkpoint(document: dict[str, Any]) -> dict[str, Any]:
    name = document["fine_tuned_model_checkpoint"]
    return {**document, "result_files": [f"{name}/adapter_model.safetensors"]}


def _error(error: ApiError) -> web.Response:
    """Of what its framework finds wrong it tells a `detail`, of all else what OpenAI would."""
    if error.status == HTTPStatus.BAD_REQUEST:
        place = ["body", *filter(None, [error.param])]
        detail: Any = [{"loc": place, "msg": error.message, "type": "value_error"}]
        return json_response({"detail": detail}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if error.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND}:
        return json_response({"detail": error.message}, status=error.status)
    return error.response()


def _routes() -> Sequence[web.RouteDef]:
    return [
        web.post("/v1/chat/completions", chat.complete_chat),
        web.get("/v1/models", models.list_models),
        web.post(_FILES, reshaped(files.create_file, _file)),
        web.get(_FILES, reshaped(files.list_files, _file)),
        web.get(_FILES + "/{file_id}", reshaped(files.get_file, _file)),
        web.delete(_FILES + "/{file_id}", files.delete_file),
        web.get(_FILES + "/{file_id}/content", files.get_content),
        web.post(_JOBS, create_job),
        web.get(_JOBS, reshaped(jobs.list_jobs, _job)),
        web.get(_JOBS + "/{job_id}", reshaped(jobs.get_job, _job)),
        web.post(_JOBS + "/{job_id}/cancel", reshaped(jobs.cancel_job, _job)),
        web.get(_JOBS + "/{job_id}/events", jobs.list_events),
        web.get(_JOBS + "/{job_id}/checkpoints", list_checkpoints),
        web.post(_CUSTOM, nebius_models.create),
        web.get(_CUSTOM, nebius_models.list_all),
        web.get(_CUSTOM + "/{vendor}/{full_name}", nebius_models.get),
        web.delete(_CUSTOM + "/{vendor}/{full_name}", nebius_models.delete),
    ]


FACE = Face(
    routes=_routes,
    demo_model="meta-llama/Llama-3.1-8B-Instruct",
    called=nebius_models.called,
    error=_error,
)

"""The routes under /v1/fine_tuning/jobs."""

import re
import secrets
import time
from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.body import query_int, read_body
from tuneq_sandbox.provider.errors import ApiError, json_response, not_found
from tuneq_sandbox.provider.file_store import FileRecord
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.job import Job
from tuneq_sandbox.provider.job_records import Event
from tuneq_sandbox.provider.job_request import MAX_SEED, JobRequest
from tuneq_sandbox.provider.job_runner import RUNNER
from tuneq_sandbox.provider.state import STATE, State

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
_METADATA = re.compile(r"metadata\[(.+)\]")


async def create_job(request: web.Request) -> web.Response:
    """Accept a job; it is on disk before the answer goes out."""
    body = await read_body(request, JobRequest)
    return json_response(start_job(request.app, body).as_api())


def start_job(app: web.Application, body: JobRequest) -> Job:
    """Keep a job and begin with it, unless it is refused.

    Raises:
        ApiError: 400, 429.
    """
    state = app[STATE]
    if body.model not in state.config.base_models:
        raise ApiError(
            400,
            f"Model {body.model} is not available for fine-tuning or does not exist.",
            param="model",
            code="model_not_available",
        )
    now = time.time()
    training = _file(state, body.training_file, "training_file", now)
    validation = (
        _file(state, body.validation_file, "validation_file", now)
        if body.validation_file is not None
        else None
    )
    active = state.jobs.count_active(body.model)
    cap = state.config.max_active_jobs
    if cap is not None and active >= cap and state.config.when_full == "refuse":
        raise ApiError(
            429,
            "This fine-tune request has been rate-limited. Your organization has reached the "
            f"maximum number of active fine-tuning jobs ({cap}) for the model '{body.model}'.",
            code="rate_limit_exceeded",
        )
    job = Job(
        id=new_id("ftjob-"),
        model=body.model,
        organization=state.config.organization,
        training_file=training.id,
        training_sha256=training.sha256,
        validation_file=validation.id if validation else None,
        validation_sha256=validation.sha256 if validation else None,
        hyperparameters=body.asked(),
        seed=secrets.randbelow(MAX_SEED + 1) if body.seed is None else body.seed,
        suffix=body.suffix,
        metadata=None if state.faults.oddities.metadata_dropped else body.metadata,
        created_at=now,
    )
    state.jobs.add(
        job,
        [
            Event(created_at=now, message=f"Created fine-tuning job: {job.id}"),
            Event(created_at=now, message=f"Validating training file: {training.id}"),
        ],
    )
    state.stats.active(job.model, active + 1)
    app[RUNNER].start(job)
    return job


async def list_jobs(request: web.Request) -> web.Response:
    """Jobs, newest first; `metadata[key]=value` keeps those that have the pair."""
    state = request.app[STATE]
    oddities = state.faults.oddities
    wanted = {
        match.group(1): value
        for name, value in request.query.items()
        if (match := _METADATA.fullmatch(name))
    }
    jobs, more = state.jobs.page(
        after=_after(request),
        limit=query_int(request, "limit", DEFAULT_LIMIT, MAX_LIMIT),
        metadata=None if oddities.metadata_filter_ignored else wanted,
        created_before=time.time() - oddities.list_lag_s,
    )
    return json_response(_page([job.as_api() for job in jobs], more=more))


async def get_job(request: web.Request) -> web.Response:
    """One job object."""
    return json_response(_job(request).as_api())


async def cancel_job(request: web.Request) -> web.Response:
    """Stop a job that has not ended."""
    job = _job(request)
    if not job.is_active:
        raise ApiError(
            400,
            f"Job has already completed: {job.id} is {job.status}.",
            param="fine_tune_id",
            code="invalid_value",
        )
    return json_response(request.app[RUNNER].cancel(job).as_api())


async def list_events(request: web.Request) -> web.Response:
    """A job's events, newest first."""
    job = _job(request)
    events, more = request.app[STATE].jobs.events(
        job.id,
        after=_after(request),
        limit=query_int(request, "limit", DEFAULT_LIMIT, MAX_LIMIT),
        now=time.time(),
    )
    return json_response(_page([event.as_api() for event in events], more=more))


async def list_checkpoints(request: web.Request) -> web.Response:
    """A job's checkpoints, the last epoch's first; each name answers in chat."""
    job = _job(request)
    models = request.app[STATE].jobs.checkpoints(job.id)
    after = _after(request)
    if after is not None:
        places = [number for number, model in enumerate(models) if model.id == after]
        if not places:
            raise not_found("No such checkpoint", after, param="after")
        models = models[places[0] + 1 :]
    limit = query_int(request, "limit", 10, MAX_LIMIT)
    data = [model.as_api() for model in models[:limit]]
    return json_response(_page(data, more=len(models) > limit))


def _job(request: web.Request) -> Job:
    return request.app[STATE].jobs.get(request.match_info["job_id"])


def _after(request: web.Request) -> str | None:
    ignored = request.app[STATE].faults.oddities.after_ignored
    return None if ignored else request.query.get("after")


def _page(data: list[dict[str, Any]], *, more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": data,
        "has_more": more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def _file(state: State, file_id: str, param: str, now: float) -> FileRecord:
    record = state.files.find(file_id)
    if record is None:
        raise ApiError(400, f"invalid {param}: {file_id}", param=param)
    if record.purpose != "fine-tune":
        raise ApiError(
            400,
            f"{file_id} has the purpose '{record.purpose}', but needs 'fine-tune'.",
            param=param,
        )
    if not record.is_processed(now):
        raise ApiError(
            400,
            f"File '{file_id}' is still being processed and is not ready to be used for "
            "fine-tuning. Please try again later.",
            param=param,
        )
    return record

"""Together's fine-tuning jobs."""

import secrets
import time
from collections.abc import Sequence

from aiohttp import web

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.together_files import training_file
from tuneq_sandbox.provider.faces.together_job_request import LEARNING_RATE, JobRequest
from tuneq_sandbox.provider.faces.together_job_words import (
    events_of,
    events_so_far,
    listed,
    status_of,
)
from tuneq_sandbox.provider.faces.together_words import SLUG, instant, missing
from tuneq_sandbox.provider.ids import new_id
from tuneq_sandbox.provider.job import Hyperparameters, Job
from tuneq_sandbox.provider.job_records import Event
from tuneq_sandbox.provider.job_request import MAX_SEED
from tuneq_sandbox.provider.job_runner import RUNNER
from tuneq_sandbox.provider.state import STATE

_ALL = 10**6


def routes() -> Sequence[web.RouteDef]:
    """What the SDK calls for jobs."""
    return [
        web.post("/v1/fine-tunes", create),
        web.get("/v1/fine-tunes", list_jobs),
        web.get("/v1/fine-tunes/models/limits", limits),
        web.get("/v1/fine-tunes/{job_id}", get_job),
        web.post("/v1/fine-tunes/{job_id}/cancel", cancel),
        web.get("/v1/fine-tunes/{job_id}/events", list_events),
        web.get("/v1/fine-tunes/{job_id}/checkpoints", list_checkpoints),
        web.get("/v1/fine-tunes/{job_id}/metrics", list_metrics),
    ]


async def create(request: web.Request) -> web.Response:
    """Accept a job; it is on disk before the answer goes out."""
    state, body = request.app[STATE], await read_body(request, JobRequest)
    if body.model not in state.config.base_models:
        raise ApiError(400, f"model {body.model} is not available for fine-tuning")
    training = training_file(state, body.training_file)
    named = body.validation_file
    validation = training_file(state, named) if named else None
    active, cap = state.jobs.count_active(body.model), state.config.max_active_jobs
    if cap is not None and active >= cap and state.config.when_full == "refuse":
        raise ApiError(429, f"you have reached the limit of {cap} active jobs", kind="rate_limit")
    now = time.time()
    job = Job(
        id=new_id("ft-"),
        model=body.model,
        organization=state.config.organization,
        training_file=training.id,
        training_sha256=training.sha256,
        validation_file=validation.id if validation else None,
        validation_sha256=validation.sha256 if validation and body.n_evals else None,
        hyperparameters=Hyperparameters(
            n_epochs=body.n_epochs,
            batch_size="auto" if body.batch_size == "max" else body.batch_size,
            learning_rate_multiplier=body.learning_rate / LEARNING_RATE,
        ),
        seed=secrets.randbelow(MAX_SEED) if body.random_seed is None else body.random_seed,
        suffix=None if state.faults.oddities.metadata_dropped else body.suffix,
        created_at=now,
    )
    state.jobs.add(job, [Event(created_at=now, message=f"Fine tune request created: {job.id}")])
    state.stats.active(job.model, active + 1)
    request.app[RUNNER].start(job)
    return json_response(listed(job))


async def list_jobs(request: web.Request) -> web.Response:
    """All jobs, on one page, without what only a job by itself tells."""
    state = request.app[STATE]
    jobs, _ = state.jobs.page(
        after=None,
        limit=_ALL,
        metadata=None,
        created_before=time.time() - state.faults.oddities.list_lag_s,
    )
    return json_response({"data": [listed(job) for job in jobs]})


async def limits(request: web.Request) -> web.Response:
    """What may be asked for of a base model."""
    name = request.query.get("model_name", "")
    if name not in request.app[STATE].config.base_models:
        raise missing("model", name)
    adapters = {"default_rank": 8, "max_rank": 64, "min_batch_size": 1, "max_batch_size": 256}
    return json_response({"model_name": name, "lora_training": adapters, "full_training": None})


async def get_job(request: web.Request) -> web.Response:
    """One job with its events, and where its model lies; its suffix is told by the list alone."""
    state, job = request.app[STATE], _job(request)
    shown = {name: value for name, value in listed(job).items() if name != "suffix"}
    done = shown["status"] == "completed"
    weights = {
        "model_object_id": f"ml_{job.id.removeprefix('ft-')}" if done else None,
        "model_object_name": f"{SLUG}/{job.id}" if done else None,
        "model_object_revision_id": "rv_1" if done else None,
        "adapter_object_id": None,
    }
    return json_response({**shown, **weights, "events": events_of(state, job)})


async def cancel(request: web.Request) -> web.Response:
    """Stop a job that has not ended."""
    job = _job(request)
    if not job.is_active:
        raise ApiError(400, f"job {job.id} cannot be cancelled: it is {status_of(job)}")
    return json_response(listed(request.app[RUNNER].cancel(job)))


async def list_events(request: web.Request) -> web.Response:
    """A job's events, oldest first."""
    return json_response({"data": events_of(request.app[STATE], _job(request))})


async def list_checkpoints(request: web.Request) -> web.Response:
    """A job's checkpoints, the last first."""
    job = _job(request)
    made = [
        {
            "checkpoint_type": "Final Merged" if model.final else "Intermediate Merged",
            "created_at": instant(model.created_at),
            "path": f"s3://sandbox/{job.id}/{model.step}",
            "step": model.step,
        }
        for model in request.app[STATE].jobs.checkpoints(job.id)
    ]
    return json_response({"data": made})


async def list_metrics(request: web.Request) -> web.Response:
    """A job's metrics, one flat record for each kind and step."""
    job, state = _job(request), request.app[STATE]
    records: list[dict[str, float]] = []
    for event in events_so_far(state, job):
        if event.type != "metrics":
            continue
        step = event.data["step"]
        records.append(
            {
                "train/global_step": step,
                "train/loss": event.data["train_loss"],
                "train/learning_rate": LEARNING_RATE,
            }
        )
        if "valid_loss" in event.data:
            records.append({"eval/global_step": step, "eval/loss": event.data["valid_loss"]})
    return json_response({"metrics": records or None})


def _job(request: web.Request) -> Job:
    try:
        return request.app[STATE].jobs.get(request.match_info["job_id"])
    except ApiError:
        raise missing("fine-tune job", request.match_info["job_id"]) from None

"""The routes of supervised fine-tuning jobs."""

import csv
import secrets
import time
import uuid

import orjson
from aiohttp import web

from tuneq_sandbox.provider.body import read_body
from tuneq_sandbox.provider.errors import ApiError, json_response
from tuneq_sandbox.provider.faces.fireworks import dataset_store
from tuneq_sandbox.provider.faces.fireworks.errors import UNTIMELY
from tuneq_sandbox.provider.faces.fireworks.job_document import (
    DISPLAY_NAME,
    OUTPUT_MODEL,
    job_document,
)
from tuneq_sandbox.provider.faces.fireworks.job_request import JobRequest
from tuneq_sandbox.provider.faces.fireworks.listing import answer, page_size, page_token
from tuneq_sandbox.provider.faces.fireworks.names import (
    check_account,
    check_signature,
    chosen_id,
    full,
    own_id,
)
from tuneq_sandbox.provider.file_store import FileRecord
from tuneq_sandbox.provider.job import Job
from tuneq_sandbox.provider.job_records import Event
from tuneq_sandbox.provider.job_request import MAX_SEED
from tuneq_sandbox.provider.job_runner import RUNNER
from tuneq_sandbox.provider.state import STATE, State

_COLUMNS = {
    "train_loss": "train/loss",
    "train_accuracy": "train/mean_token_accuracy",
    "train_mean_token_accuracy": "train/mean_token_accuracy",
    "valid_loss": "eval/loss",
    "valid_mean_token_accuracy": "eval/mean_token_accuracy",
    "validation_mean_token_accuracy": "eval/mean_token_accuracy",
}


async def create_job(request: web.Request) -> web.Response:
    """Accept a job under the id that was chosen for it, unless there is one."""
    check_account(request)
    state, now = request.app[STATE], time.time()
    job_id = chosen_id(request, "supervisedFineTuningJobId") or uuid.uuid4().hex
    body = await read_body(request, JobRequest)
    if body.base_model not in state.config.base_models:
        raise ApiError(400, f"base model {body.base_model} does not exist or is not tunable")
    training = _dataset(state, body.dataset, now)
    evaluation = _dataset(state, body.evaluation_dataset, now) if body.evaluation_dataset else None
    if _exists(state, job_id):
        raise ApiError(409, f"{full('supervisedFineTuningJobs', job_id)} already exists")
    active = state.jobs.count_active(body.base_model)
    cap = state.config.max_active_jobs
    if cap is not None and active >= cap and state.config.when_full == "refuse":
        words = f"quota exceeded: the maximum of {cap} active fine-tuning jobs is reached"
        raise ApiError(429, words)
    job = Job(
        id=job_id,
        model=body.base_model,
        organization=state.config.organization,
        training_file=training.id,
        training_sha256=training.sha256,
        validation_file=evaluation.id if evaluation else None,
        validation_sha256=evaluation.sha256 if evaluation else None,
        hyperparameters=body.asked(),
        seed=secrets.randbelow(MAX_SEED + 1),
        metadata={
            DISPLAY_NAME: body.display_name,
            OUTPUT_MODEL: body.output_model or full("models", job_id),
        },
        created_at=now,
    )
    state.jobs.add(job, [Event(created_at=now, message=f"Created fine-tuning job: {job.id}")])
    state.stats.active(job.model, active + 1)
    request.app[RUNNER].start(job)
    return json_response(job_document(request, job))


async def list_jobs(request: web.Request) -> web.Response:
    """Jobs, newest first; the token is the last job of the page before."""
    check_account(request)
    state = request.app[STATE]
    jobs, more = state.jobs.page(
        after=page_token(request),
        limit=page_size(request),
        metadata=None,
        created_before=time.time() - state.faults.oddities.list_lag_s,
    )
    token = jobs[-1].id if more else ""
    shown = [job_document(request, job) for job in jobs]
    return answer("supervisedFineTuningJobs", shown, token, state.jobs.count())


async def get_job(request: web.Request) -> web.Response:
    """One job object."""
    check_account(request)
    return json_response(job_document(request, _job(request)))


async def cancel_job(request: web.Request) -> web.Response:
    """Stop a job that has not ended; the answer is empty."""
    check_account(request)
    job = _job(request)
    if not job.is_active:
        words = f"job {job.id} is in a terminal state and cannot be cancelled"
        raise ApiError(400, words, kind=UNTIMELY)
    request.app[RUNNER].cancel(job)
    return json_response({})


async def get_metrics(request: web.Request) -> web.Response:
    """The metrics file of a job: the engine's table as JSON lines."""
    check_signature(request)
    state, job = request.app[STATE], _job(request)
    if not job.result_files:
        raise ApiError(404, "NoSuchKey")
    path = state.folder.content(state.files.get(job.result_files[0]).sha256)
    lines = []
    for row in csv.DictReader(path.read_text().splitlines()):
        data = {_COLUMNS[name]: float(cell) for name, cell in row.items()
                if name in _COLUMNS and cell}  # fmt: skip
        lines.append(orjson.dumps({"step": int(row["step"]), "data": data}))
    return web.Response(body=b"\n".join(lines), content_type="application/octet-stream")


def _job(request: web.Request) -> Job:
    job_id = request.match_info["job"]
    if not _exists(request.app[STATE], job_id):
        raise ApiError(404, f"{full('supervisedFineTuningJobs', job_id)} not found")
    return request.app[STATE].jobs.get(job_id)


def _exists(state: State, job_id: str) -> bool:
    return state.database.row("SELECT 1 FROM jobs WHERE id = ?", job_id) is not None


def _dataset(state: State, name: str, now: float) -> FileRecord:
    dataset = dataset_store.get(state, own_id("datasets", name) or name)
    if dataset.file is None or not dataset.file.is_processed(now):
        words = f"dataset {name} is not ready: its state is UPLOADING"
        raise ApiError(400, words, kind=UNTIMELY)
    return dataset.file

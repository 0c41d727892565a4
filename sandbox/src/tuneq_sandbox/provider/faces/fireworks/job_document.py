"""A job as Fireworks shows it."""

from typing import Any

from aiohttp import web

from tuneq_sandbox.provider.faces.fireworks.job_request import USUAL_RATE
from tuneq_sandbox.provider.faces.fireworks.names import full, moment, signed_address
from tuneq_sandbox.provider.job import Job, JobStatus

DISPLAY_NAME, OUTPUT_MODEL = "displayName", "outputModel"
"""Keys of the engine's metadata."""

_STATES: dict[JobStatus, str] = {
    "validating_files": "JOB_STATE_VALIDATING",
    "queued": "JOB_STATE_PENDING",
    "running": "JOB_STATE_RUNNING",
    "succeeded": "JOB_STATE_COMPLETED",
    "failed": "JOB_STATE_FAILED",
    "cancelled": "JOB_STATE_CANCELLED",
}


def job_document(request: web.Request, job: Job) -> dict[str, Any]:
    """The job object; what is empty is an empty text, and what comes at the end may be null."""
    named, chosen = job.metadata or {}, job.hyperparameters
    rate = chosen.learning_rate_multiplier
    metrics = signed_address(request, f"metrics/{job.id}") if job.result_files else ""
    validation = job.validation_file
    return {
        "name": full("supervisedFineTuningJobs", job.id),
        "displayName": named.get(DISPLAY_NAME, ""),
        "createTime": moment(job.created_at),
        "completedTime": moment(job.finished_at),
        "updateTime": moment(job.finished_at or job.started_at or job.created_at),
        "dataset": full("datasets", job.training_file),
        "evaluationDataset": full("datasets", validation) if validation else "",
        "state": _STATES[job.status],
        "status": _status(job),
        "createdBy": "somebody@example.com",
        "baseModel": job.model,
        "warmStartFrom": "",
        "outputModel": named.get(OUTPUT_MODEL, ""),
        "epochs": 0 if chosen.n_epochs == "auto" else chosen.n_epochs,
        "batchSizeSamples": 0 if chosen.batch_size == "auto" else chosen.batch_size,
        "learningRate": 0 if rate == "auto" else rate * USUAL_RATE,
        "loraRank": 8,
        "earlyStop": False,
        "region": "REGION_UNSPECIFIED",
        "jobProgress": _progress(job),
        "metricsFileSignedUrl": metrics,
        "estimatedCost": None,
    }


def _status(job: Job) -> dict[str, str]:
    if job.error is not None:
        return {"code": "INVALID_ARGUMENT", "message": job.error.message}
    if job.status == "cancelled":
        return {"code": "CANCELLED", "message": "the job was cancelled by the user"}
    return {"code": "OK", "message": ""}


def _progress(job: Job) -> dict[str, int] | None:
    if job.started_at is None:
        return None
    done = job.status == "succeeded"
    return {"percent": 100 if done else 50, "epoch": 0, "inputTokens": job.trained_tokens or 0}

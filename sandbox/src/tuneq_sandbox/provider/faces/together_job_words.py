"""How Together tells of a job."""

import time
from typing import Any

from tuneq_sandbox.provider.faces.together_words import SLUG, instant
from tuneq_sandbox.provider.job import Job
from tuneq_sandbox.provider.job_records import Event
from tuneq_sandbox.provider.state import State

_STATUSES = {
    "validating_files": "pending",
    "queued": "queued",
    "running": "running",
    "failed": "error",
}
# What comes between the engine's end and the one that is told: seconds after it.
_ENDINGS = {
    "succeeded": ((0.05, "compressing"), (0.1, "uploading"), (float("inf"), "completed")),
    "cancelled": ((0.05, "cancel_requested"), (float("inf"), "cancelled")),
}
_OPEN = {"pending", "queued", "running"}
_ALL = 10**6


def output_name(job: Job) -> str:
    """What the tuned model is called."""
    suffix = f":{job.suffix}" if job.suffix else ""
    return f"{SLUG}/{job.model.rpartition('/')[2]}{suffix}:{job.id}"


def is_done(job: Job) -> bool:
    """Whether its model can be had."""
    return status_of(job) == "completed"


def status_of(job: Job) -> str:
    """Its status; between the end of training and what it leads to come others."""
    since = time.time() - (job.finished_at or 0.0)
    for until, told in _ENDINGS.get(job.status, ()):
        if since < until:
            return told
    return _STATUSES[job.status]


def listed(job: Job) -> dict[str, Any]:
    """A job as the list tells it, which says nothing of events."""
    status = status_of(job)
    open_ = status in _OPEN
    left = max(0, int((job.estimated_finish or 0.0) - time.time()))
    knobs = job.hyperparameters
    return {
        "id": job.id,
        "status": status,
        "created_at": instant(job.created_at),
        "updated_at": instant(job.finished_at or job.started_at or job.created_at),
        "started_at": instant(job.started_at),
        "user_id": "user-sandbox",
        "owner_address": "",
        "model": job.model,
        "model_output_name": output_name(job) if status == "completed" else None,
        "suffix": job.suffix or "",
        "training_file": job.training_file,
        "validation_file": job.validation_file or "",
        "n_epochs": 1 if knobs.n_epochs == "auto" else knobs.n_epochs,
        "batch_size": 0 if knobs.batch_size == "auto" else knobs.batch_size,
        "random_seed": job.seed,
        "training_type": {"type": "Lora", "lora_r": 8, "lora_alpha": 16},
        "token_count": job.trained_tokens or 0,
        "total_price": 0,
        "progress": {
            "estimate_available": open_ and job.estimated_finish is not None,
            "seconds_remaining": left if open_ else 0,
        },
        "events": [],
        "wandb_name": None,
    }


def events_so_far(state: State, job: Job) -> list[Event]:
    """What the engine says of it, oldest first."""
    events, _ = state.jobs.events(job.id, after=None, limit=_ALL, now=time.time())
    return events[::-1]


def events_of(state: State, job: Job) -> list[dict[str, Any]]:
    """Its events, oldest first."""
    told = [event for event in events_so_far(state, job) if event.type == "message"]
    return [
        {
            "object": "fine-tune-event",
            "created_at": instant(event.created_at),
            "level": "error" if event.level == "error" else "info",
            "message": event.message,
            "type": "job_error" if event.level == "error" else "job_pending",
            "hash": event.id,
        }
        for event in told
    ]

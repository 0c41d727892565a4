"""What Together answers, as far as we read it; the rest is ignored."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.ports.provider import FileState, Job, JobStatus, RemoteFile
from tuneq_worker.providers.openai.documents import Fields, Id, Number, Text, finite
from tuneq_worker.providers.together.purchases import purchase_in

METRICS = ".metrics"
"""Behind a job's id: what we call its step metrics, which are no file there."""
Entry = dict[str, Any]

_STATUSES = {
    "pending": JobStatus.QUEUED,
    "queued": JobStatus.QUEUED,
    "running": JobStatus.RUNNING,
    "cancel_requested": JobStatus.RUNNING,
    "compressing": JobStatus.FINALIZING,
    "uploading": JobStatus.FINALIZING,
    "completed": JobStatus.SUCCEEDED,
    "error": JobStatus.FAILED,
    "user_error": JobStatus.FAILED,
    "cancelled": JobStatus.CANCELLED,
}
_FILE_STATES = {
    "COMPLETED": FileState.READY,
    "FAILED": FileState.ERROR,
    "INVALID_FORMAT": FileState.ERROR,
}
_STATE = "DEPLOYMENT_STATE_"
_SERVING = {"SCALING", "DEGRADED"}  # some of its replicas may answer
_DEPLOYMENT_STATES = {
    "READY": DeploymentState.READY,
    "FAILED": DeploymentState.FAILED,
    # It costs nothing any more, and is started again by who wants it.
    "STOPPED": DeploymentState.GONE,
}


def last_part(name: str) -> str:
    """Of a name that is told with what it belongs to, what it was given."""
    return name.rpartition("/")[2]


def _only_entries(value: object) -> object:
    """Null is an empty listing; what is none at all stays, and is refused."""
    if value is None:
        return []
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else value


def _listed(value: object) -> object:
    return _only_entries(value) if isinstance(value, list) else []


def _instant(value: object) -> float:
    """Unix seconds of either; of what is neither, the epoch."""
    number = finite(value)
    if number is not None:
        return number
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


Entries = Annotated[list[Entry], BeforeValidator(_only_entries)]
Instant = Annotated[float, BeforeValidator(_instant)]


class PageDocument(BaseModel):
    """A listing, or one page of it."""

    data: Entries
    next_cursor: Text = None


class FileDocument(BaseModel):
    """A file."""

    id: Id
    filename: Text = None
    bytes: Number = None
    created_at: Instant = 0.0
    processing_status: Text = None
    validation_report: Fields = {}

    def to_file(self) -> RemoteFile:
        """In our words. One whose bytes have not come is not ready; one without a status is."""
        state = FileState.READY if self.bytes else FileState.PENDING
        if self.processing_status is not None:
            state = _FILE_STATES.get(self.processing_status, FileState.PENDING)
        detail = self.validation_report.get("error") or self.processing_status or ""
        return RemoteFile(
            id=self.id,
            state=state,
            detail=str(detail) if state is FileState.ERROR else "",
            created_at=self.created_at or None,
        )


class JobDocument(BaseModel):
    """A fine-tuning job, as it is listed or as it is told by itself, which differ a little."""

    id: Id
    status: str
    created_at: Instant = 0.0
    model: Text = None
    suffix: Text = None
    training_file: Text = None
    model_output_name: Text = None
    token_count: Number = None
    progress: Fields = {}
    events: Annotated[Any, BeforeValidator(_listed)] = []

    @property
    def purchase(self) -> str | None:
        """What it was bought for, if it was bought by us."""
        return purchase_in(self.suffix) or purchase_in(self.model_output_name)

    def to_job(self) -> Job:
        """In our words; a status that we do not know is unknown."""
        status = _STATUSES.get(self.status, JobStatus.UNKNOWN)
        done = status is JobStatus.SUCCEEDED
        if done and self.model_output_name is None:
            status = JobStatus.FINALIZING
        failed = status is JobStatus.FAILED
        return Job(
            id=self.id,
            status=status,
            raw_status=self.status,
            model=self.model or "",
            created_at=self.created_at,
            purchase=self.purchase,
            training_file=self.training_file,
            fine_tuned_model=self.model_output_name if done else None,
            trained_tokens=None if self.token_count is None else int(self.token_count),
            estimated_finish=None if status.is_terminal else self._estimated_finish(),
            error_code=self.status if failed else None,
            error_message=self._last_error() if failed else None,
            result_files=(f"{self.id}{METRICS}",) if done else (),
        )

    def _estimated_finish(self) -> float | None:
        left = finite(self.progress.get("seconds_remaining"))
        if self.progress.get("estimate_available") is not True or left is None:
            return None
        return time.time() + max(0.0, left)

    def _last_error(self) -> str | None:
        """A job has no error of its own: its events tell."""
        errors = [e for e in self.events if "error" in f"{e.get('type')} {e.get('level')}".lower()]
        last = max(errors, key=lambda event: _instant(event.get("created_at")), default=None)
        return str(last.get("message")) if last else None


class DeploymentDocument(BaseModel):
    """A deployment, as its endpoint lists it or as it is told by itself."""

    id: Id
    name: str
    model: str = ""
    created_at: Instant = Field(default=0.0, alias="createdAt")
    state: Text = None
    ready_replicas: Number = Field(default=None, alias="readyReplicas")
    status: Fields = {}

    def to_deployment(self, endpoint_id: str) -> RemoteDeployment:
        """In our words; a state that we do not know is no end."""
        told = self.state or str(self.status.get("state") or "")
        raw = told.removeprefix(_STATE)
        state = _DEPLOYMENT_STATES.get(raw, DeploymentState.PENDING)
        if raw in _SERVING and (self.ready_replicas or self.status.get("readyReplicas")):
            state = DeploymentState.READY
        return RemoteDeployment(
            id=f"{endpoint_id}/{self.id}",
            name=last_part(self.name.rpartition("/")[0]),
            model=self.model,
            state=state,
            raw_state=raw.lower(),
            handle=self.name,
            detail=str(self.status.get("message") or ""),
            created_at=self.created_at or None,
        )


class EndpointDocument(BaseModel):
    """What deployments stand under."""

    id: Id
    name: str
    deployments: Entries = []

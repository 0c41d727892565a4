"""What Fireworks answers, as far as we read it; the rest is ignored."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.ports.provider import FileState, Job, JobStatus, RemoteFile
from tuneq_worker.providers.fireworks.names import file_of, full_name, id_for, last_part
from tuneq_worker.providers.openai.documents import Fields, Number, Text

METRICS = ".metrics"
"""The ending of a result file's id, behind that of its job: no other id has a dot."""

_STATUSES = {
    "JOB_STATE_CREATING": JobStatus.VALIDATING,
    "JOB_STATE_CREATING_INPUT_DATASET": JobStatus.VALIDATING,
    "JOB_STATE_VALIDATING": JobStatus.VALIDATING,
    "JOB_STATE_PENDING": JobStatus.QUEUED,
    "JOB_STATE_RE_QUEUEING": JobStatus.QUEUED,
    "JOB_STATE_RUNNING": JobStatus.RUNNING,
    "JOB_STATE_CANCELLING": JobStatus.RUNNING,
    "JOB_STATE_WRITING_RESULTS": JobStatus.FINALIZING,
    "JOB_STATE_PAUSED": JobStatus.PAUSED,
    "JOB_STATE_COMPLETED": JobStatus.SUCCEEDED,
    "JOB_STATE_EARLY_STOPPED": JobStatus.SUCCEEDED,
    "JOB_STATE_FAILED": JobStatus.FAILED,
    "JOB_STATE_EXPIRED": JobStatus.FAILED,
    "JOB_STATE_CANCELLED": JobStatus.CANCELLED,
}
_DEPLOYMENT_STATES = {
    "READY": DeploymentState.READY,
    "FAILED": DeploymentState.FAILED,
    "DELETING": DeploymentState.GONE,
    "DELETED": DeploymentState.GONE,
}
_GOOD = {None, "OK", "CODE_UNSPECIFIED"}
_ENDED_BADLY = {JobStatus.FAILED, JobStatus.CANCELLED}


def _moment(value: object) -> float | None:
    """Unix time of what RFC 3339 writes; none where it is no such thing."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _name(value: str) -> str:
    parts = value.split("/")
    if not value.isprintable() or " " in value or {"", ".", ".."} & set(parts):
        raise ValueError("a name must be parts of an address")
    return value


Name = Annotated[str, AfterValidator(_name)]
Moment = Annotated[float | None, BeforeValidator(_moment)]


class _Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class PageDocument(_Document):
    """One page of a listing; its entries stand under the collection's own name."""

    model_config = ConfigDict(alias_generator=to_camel, extra="allow")

    next_page_token: Text = None

    def entries(self, collection: str) -> list[dict[str, Any]]:
        """Its entries; what is none is left out."""
        given = (self.model_extra or {}).get(collection)
        return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


class DatasetDocument(_Document):
    """A dataset."""

    name: Name
    state: Text = None
    status: Fields = {}
    create_time: Moment = None

    @property
    def file_state(self) -> FileState:
        """Ready, once its bytes have come and were looked at."""
        if self.state == "READY":
            return FileState.READY
        return FileState.PENDING if self.status.get("code") in _GOOD else FileState.ERROR

    def to_file(self, account_id: str) -> RemoteFile:
        """In our words: a file."""
        return RemoteFile(
            id=file_of(account_id, self.name),
            state=self.file_state,
            detail=_said(self.status),
            created_at=self.create_time,
        )


class AddressesDocument(_Document):
    """Signed addresses by file name."""

    filename_to_signed_urls: dict[str, str] = {}


class JobDocument(_Document):
    """A supervised fine-tuning job."""

    name: Name
    state: str
    create_time: Annotated[float, BeforeValidator(_moment)]
    dataset: Text = None
    base_model: Text = None
    output_model: Text = None
    display_name: Text = None
    status: Fields = {}
    job_progress: Fields = {}
    metrics_file_signed_url: Text = None

    @property
    def purchase(self) -> str | None:
        """What it was bought for: its id was made of that, which the display name repeats."""
        named = self.display_name
        return named if named and id_for(named) == last_part(self.name) else None

    def to_job(self, account_id: str) -> Job:
        """In our words; a state that we do not know is unknown."""
        job_id = last_part(self.name)
        status = _STATUSES.get(self.state, JobStatus.UNKNOWN)
        made = status is JobStatus.SUCCEEDED
        code = self.status.get("code") if status in _ENDED_BADLY else None
        model = self.output_model or job_id
        tokens = Tokens.model_validate(self.job_progress).input_tokens
        return Job(
            id=job_id,
            status=status,
            raw_status=self.state,
            model=self.base_model or "",
            created_at=self.create_time,
            purchase=self.purchase,
            training_file=self.dataset and file_of(account_id, self.dataset),
            fine_tuned_model=full_name(account_id, "models", model) if made else None,
            trained_tokens=int(tokens) if made and tokens else None,
            error_code=_code(code, self.state) if status in _ENDED_BADLY else None,
            error_message=_said(self.status) or None if status in _ENDED_BADLY else None,
            result_files=(job_id + METRICS,) if made and self.metrics_file_signed_url else (),
        )


class Tokens(_Document):
    """How far a job has come."""

    input_tokens: Number = None


class DeploymentDocument(_Document):
    """A deployment."""

    name: Name
    state: Text = None
    base_model: Text = None
    status: Fields = {}
    create_time: Moment = None

    def to_deployment(self) -> RemoteDeployment:
        """In our words; one in a state that we do not know does not answer yet."""
        raw = self.state or "STATE_UNSPECIFIED"
        deployment_id = last_part(self.name)
        return RemoteDeployment(
            id=deployment_id,
            name=deployment_id,
            model=self.base_model or "",
            state=_DEPLOYMENT_STATES.get(raw, DeploymentState.PENDING),
            raw_state=raw,
            handle=self.name,
            detail=_said(self.status),
            created_at=self.create_time,
        )


class ModelDocument(_Document):
    """A model."""

    name: Name
    tunable: bool | None = None
    supports_serverless: bool | None = None
    deployed_model_refs: Any = None

    @property
    def deployments(self) -> list[str]:
        """The full names of the deployments that it answers from."""
        refs = self.deployed_model_refs if isinstance(self.deployed_model_refs, list) else []
        standing = [r for r in refs if isinstance(r, dict) and r.get("state") == "DEPLOYED"]
        return [name for ref in standing if isinstance(name := ref.get("deployment"), str)]


def _said(status: dict[str, Any]) -> str:
    words = status.get("message")
    return words if isinstance(words, str) and status.get("code") not in _GOOD else ""


def _code(code: object, state: str) -> str:
    return code if isinstance(code, str) and code not in _GOOD else state

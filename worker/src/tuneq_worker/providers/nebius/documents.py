"""What Nebius answers about custom models, as far as we read it."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, RootModel

from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.providers.openai.documents import Number, Text

_LETTERED = re.compile(r"(.+)-[A-Za-z0-9]{1,8}")  # Nebius puts four; our own names end longer
_STATES = {
    "active": DeploymentState.READY,
    "error": DeploymentState.FAILED,
    "deleted": DeploymentState.GONE,
}


def _unwrapped(value: object) -> object:
    return value.get("data") if isinstance(value, dict) else value


def _path(value: str) -> str:
    if not value.isprintable() or not all(part.strip(".") for part in value.split("/")):
        raise ValueError("a name must be a path in an address")
    return value


class CustomModelsDocument(RootModel[Annotated[list[dict[str, Any]], BeforeValidator(_unwrapped)]]):
    """All custom models: a bare list, as the reference has it, or one in `data`."""


class CustomModelDocument(BaseModel):
    """A custom model: an adapter that is served under its full name."""

    name: Annotated[str, AfterValidator(_path)]
    status: Text = None
    status_reason: Text = None
    description: Text = None
    source: Text = None
    job_id: Text = None
    checkpoint_id: Text = None
    created_at: Number = None

    def to_deployment(self) -> RemoteDeployment:
        """In our words; a status that we do not know is not ready yet."""
        status = self.status or ""
        return RemoteDeployment(
            id=self.name,
            name=short_name(self.name),
            model=self._model(),
            state=_STATES.get(status, DeploymentState.PENDING),
            raw_state=status,
            handle=self.name,
            detail=self.status_reason or "",
            created_at=self.created_at,
        )

    def _model(self) -> str:
        """The job, where the description says that it was deployed as a whole; its source else."""
        source = self.source or f"{self.job_id or ''}:{self.checkpoint_id or ''}".strip(":")
        job = source.partition(":")[0]
        return job if self.description == job else source


def short_name(name: str) -> str:
    """The name that was asked for: the full one is `vendor/base-LoRa:<name>-<some letters>`."""
    given = name.rpartition(":")[2]
    lettered = _LETTERED.fullmatch(given)
    return lettered[1] if lettered else given

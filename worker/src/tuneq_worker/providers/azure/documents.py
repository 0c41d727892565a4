"""What Azure's management answers about deployments, as far as we read it."""

import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.providers.openai.documents import Fields, Id, Text

# Microsoft.CognitiveServices, `DeploymentProvisioningState`; all others are under way.
_STATES = {
    "Succeeded": DeploymentState.READY,
    "Failed": DeploymentState.FAILED,
    "Canceled": DeploymentState.FAILED,
    "Disabled": DeploymentState.FAILED,
    "Deleting": DeploymentState.GONE,
}
_PAUSED = "Paused"
_DATED = re.compile(r"(.+)-(\d{4}-\d{2}-\d{2})")
_TUNED = ".ft-"
_FIRST = "1"  # the version of every tuned model


class DeploymentDocument(BaseModel):
    """A deployment of a resource."""

    name: Id
    properties: Fields = {}
    systemData: Fields = {}  # noqa: N815 - Azure's spelling

    def to_deployment(self) -> RemoteDeployment:
        """In our words; a state that we do not know is not ready yet."""
        raw = str(self.properties.get("provisioningState") or "")
        state = _STATES.get(raw, DeploymentState.PENDING)
        if state is DeploymentState.READY and self.properties.get("deploymentState") == _PAUSED:
            raw, state = _PAUSED, DeploymentState.FAILED
        return RemoteDeployment(
            id=self.name,
            name=self.name,
            model=self._model(),
            state=state,
            raw_state=raw,
            handle=self.name,
            detail=f"its state is {raw}" if state is DeploymentState.FAILED else "",
            created_at=_unix(self.systemData.get("createdAt")),
        )

    def _model(self) -> str:
        model = self.properties.get("model")
        told = model if isinstance(model, dict) else {}
        name, version = (str(told.get(key) or "") for key in ("name", "version"))
        dated = _DATED.fullmatch(f"{name}-{version}") and _TUNED not in name
        return f"{name}-{version}" if dated else name


class DeploymentsDocument(BaseModel):
    """One page of a resource's deployments."""

    value: list[dict[str, Any]]
    nextLink: Text = None  # noqa: N815 - Azure's spelling


def model_fields(model: str) -> dict[str, str]:
    """A model as the management names it: the date of a base model is its version there."""
    dated = None if _TUNED in model else _DATED.fullmatch(model)
    name, version = dated.groups() if dated else (model, _FIRST)
    return {"format": "OpenAI", "name": name, "version": version}


def _unix(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):  # the latter of the year 1, which .NET tells for none
        return None

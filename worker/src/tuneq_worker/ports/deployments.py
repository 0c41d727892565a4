"""The part of the provider port that is about models: which there are, and making one callable."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from tuneq_worker.ports.check import Check


class DeploymentState(StrEnum):
    """Whether a deployed model answers."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"  # it stands, costs or not, and will never answer
    GONE = "gone"  # removed, or about to be


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDeployment:
    """A model that the provider keeps callable."""

    id: str
    name: str  # as it was asked for; the id, where the provider takes it from us
    model: str
    state: DeploymentState
    raw_state: str
    handle: str  # what chat calls the model, once it is ready
    detail: str = ""  # why it failed
    created_at: float | None = None  # the provider's clock, seconds; none: not told


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model that the provider lists."""

    id: str
    end_date: date | None = None  # its last day, where one is announced


class Models(Protocol):
    """An account's models and deployments. One attempt each; raises `ProviderError`."""

    def models(self) -> list[RemoteModel]:
        """The models that the account lists."""

    def serves(self, model: str) -> str | None:
        """What chat calls a model that answers without a deployment of ours; none: it does not."""

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        """The deployments of that name that have not gone."""

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        """Every deployment of the account that has not gone."""

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        """Make a model callable, unless the check objects.

        After an ambiguous error it may stand all the same.
        """

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        """Look at a deployment."""

    def remove_deployment(self, deployment_id: str) -> None:
        """Take a deployment away; one that is gone is no error."""

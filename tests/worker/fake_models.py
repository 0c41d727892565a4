"""The models of a fake account: by default each answers without being deployed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment, RemoteModel
from tuneq_worker.ports.provider import ProviderError


class FakeModels:
    """Deployments in memory; the part of a fake provider that is about models."""

    _call: Any  # notes a call, and raises what was scripted for it

    def __init__(self) -> None:
        self.listed: list[RemoteModel] = []
        self.deploys = False  # tuned models answer only when deployed
        self.deployments: dict[str, RemoteDeployment] = {}  # all that ever stood
        self.first_state = DeploymentState.READY
        self.unlisted: set[str] = set()  # deployments that listings do not show yet

    def standing(self) -> list[RemoteDeployment]:
        return [d for d in self.deployments.values() if d.state is not DeploymentState.GONE]

    def set_deployment(self, state: DeploymentState, **fields: Any) -> None:
        """Those that stand are in this state now."""
        for each in self.standing():
            self.deployments[each.id] = replace(each, state=state, raw_state=str(state), **fields)

    def _noted(self, name: str, argument: Any) -> AbstractContextManager[None]:
        noted: AbstractContextManager[None] = self._call(name, argument)
        return noted

    def models(self) -> list[RemoteModel]:
        with self._noted("models", None):
            return self.listed

    def serves(self, model: str) -> str | None:
        with self._noted("serves", model):
            return None if self.deploys and model.startswith("ft:") else model

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        with self._noted("find_deployments", name):
            shown = [d for d in self.standing() if d.id not in self.unlisted]
            return [each for each in shown if each.name == name]

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        with self._noted("all_deployments", None):
            yield from self.standing()

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        if check is not None:
            check()
        with self._noted("deploy", name):
            made = RemoteDeployment(
                id=f"deployment-{len(self.deployments) + 1}",
                name=name,
                model=model,
                state=self.first_state,
                raw_state=str(self.first_state),
                handle=f"deployed:{model}",
            )
            self.deployments[made.id] = made
            return made

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        with self._noted("deployment", deployment_id):
            found = self.deployments.get(deployment_id)
            if found is None or found.state is DeploymentState.GONE:
                raise ProviderError(ErrorKind.NOT_FOUND, f"no deployment {deployment_id}")
            return found

    def remove_deployment(self, deployment_id: str) -> None:
        with self._noted("remove_deployment", deployment_id):
            found = self.deployments.get(deployment_id)
            if found is not None:
                self.deployments[found.id] = replace(found, state=DeploymentState.GONE)

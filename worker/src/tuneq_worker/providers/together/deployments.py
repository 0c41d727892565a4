"""Models of an account, and dedicated endpoints that keep tuned ones callable."""

import logging
from collections.abc import Callable, Iterator
from functools import partial

from together import Omit, Together

from tuneq_shared.domain.deployment import is_ours
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment, RemoteModel
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.together.caller import PAGE, Answer, Document
from tuneq_worker.providers.together.documents import (
    DeploymentDocument,
    EndpointDocument,
    Entry,
    last_part,
)
from tuneq_worker.providers.together.targets import Target, TargetCalls

log = logging.getLogger(__name__)

_SERVERLESS = "PRODUCT_SERVERLESS"
_IN_USE = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.SERVER})  # 400, or 409
_STOPS_S = 5.0  # until it is worth to look again


class DeploymentCalls(TargetCalls):
    """The part of the port that is about models.

    Each deployment of ours stands under an endpoint of its own, which costs nothing and has the
    name that we chose; an id is `<endpoint>/<deployment>`.
    """

    _buyer: Together

    def models(self) -> list[RemoteModel]:
        """The models that Together offers; it announces no last days."""
        models = self._client.models.with_raw_response
        pages = self._pages(lambda after: models.list_supported(after=after, limit=PAGE))
        names = [entry.get("name") for entries in pages for entry in entries]
        return [RemoteModel(name) for name in names if isinstance(name, str)]

    def serves(self, model: str) -> str | None:
        """What is offered without a deployment, or stands under an endpoint that is not ours."""
        offered = self._supported(model)
        if offered is not None and (offered.serverless or _SERVERLESS in offered.products):
            return offered.serverless or offered.name
        try:
            target = self._target(model)
        except ProviderError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return None
        weights = target.model.partition("/revisions/")[0]
        for each in self.all_deployments():
            fits = each.model.partition("/revisions/")[0] == weights
            if fits and each.state is DeploymentState.READY and not is_ours(each.name):
                return each.handle
        return None

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        """Those under the endpoints of that name that have not stopped."""
        return [each for each in self.all_deployments() if each.name == name]

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        """Those under all endpoints of the project."""
        for endpoint in self._endpoints():
            for entry in endpoint.deployments:
                told = self._readable(DeploymentDocument, entry, endpoint.name)
                found = told and told.to_deployment(endpoint.id)
                if found and found.state is not DeploymentState.GONE:
                    yield found

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        """Create a deployment under the endpoint of that name, or start the one that stopped."""
        named = (each for each in self._endpoints() if last_part(each.name) == name)
        endpoint = next(named, None)
        if endpoint is not None and endpoint.deployments:
            stopped = str(endpoint.deployments[0].get("id"))
            send = partial(self._scale, self._buyer, endpoint.id, stopped, 1)
        else:
            target = self._target(model)
            config = self._config(model, target)
            endpoint = endpoint or self._new_endpoint(name, check)
            send = partial(self._create, endpoint.id, name, target.model, config)
        return self._read(DeploymentDocument, send, check).to_deployment(endpoint.id)

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        """Look at a deployment."""
        endpoint_id, inner_id = _parts(deployment_id)
        project = self._project()
        deployments = self._client.endpoints.deployments.with_raw_response
        return self._read(
            DeploymentDocument,
            lambda: deployments.retrieve(inner_id, project_id=project, endpoint_id=endpoint_id),
        ).to_deployment(endpoint_id)

    def remove_deployment(self, deployment_id: str) -> None:
        """Delete a deployment and its endpoint; while it runs it is told to stop.

        Raises:
            ProviderError: `NOT_READY`, it has not stopped yet: to be called again.
        """
        endpoint_id, inner_id = _parts(deployment_id)
        project = self._project()
        if not self._deleted(endpoint_id, inner_id, project):
            self._unless_gone(lambda: self._scale(self._client, endpoint_id, inner_id, 0))
            if not self._deleted(endpoint_id, inner_id, project):
                words = f"{deployment_id} is stopping"
                raise ProviderError(ErrorKind.NOT_READY, words, retry_after_s=_STOPS_S)
        self._remove_endpoint(endpoint_id, project)

    def _deleted(self, endpoint_id: str, inner_id: str, project: str) -> bool:
        """Delete what does not run; whether it is gone."""
        deployments = self._client.endpoints.deployments.with_raw_response
        try:
            self._unless_gone(
                lambda: deployments.delete(inner_id, project_id=project, endpoint_id=endpoint_id)
            )
        except ProviderError as error:
            if error.kind not in _IN_USE:
                raise
            return False
        return True

    def _remove_endpoint(self, endpoint_id: str, project: str) -> None:
        """Unless others have put deployments of theirs under it."""
        endpoints = self._client.endpoints.with_raw_response
        try:
            self._unless_gone(lambda: endpoints.delete(endpoint_id, project_id=project))
        except ProviderError as error:
            if error.kind not in _IN_USE:
                raise

    def _unless_gone(self, send: Callable[[], Answer]) -> None:
        with unless_gone():
            self._fetch(send)

    def _scale(self, client: Together, endpoint_id: str, inner_id: str, replicas: int) -> Answer:
        return client.endpoints.deployments.with_raw_response.update(
            inner_id,
            project_id=self._project(),
            endpoint_id=endpoint_id,
            autoscaling={"min_replicas": replicas, "max_replicas": replicas},
            update_mask="autoscaling",
        )

    def _create(self, endpoint_id: str, name: str, model: str, config: str) -> Answer:
        return self._buyer.endpoints.deployments.with_raw_response.create(
            endpoint_id,
            project_id=self._project(),
            name=name,
            model=model,
            config=config,
            autoscaling={"min_replicas": 1, "max_replicas": 1},
            inactive_timeout=self._options.inactive_timeout_min,
        )

    def _new_endpoint(self, name: str, check: Check | None) -> EndpointDocument:
        project = self._project()
        endpoints = self._client.endpoints.with_raw_response
        return self._read(
            EndpointDocument, lambda: endpoints.create(project_id=project, name=name), check
        )

    def _config(self, model: str, target: Target) -> str:
        if len(target.configs) == 1:
            return target.configs[0]
        offered = ", ".join(target.configs) or "none"
        words = f"{model} can be run in {len(target.configs)} ways ({offered}): choose one in "
        words += f"accounts.{self._account}.options.configs"
        raise ProviderError(ErrorKind.BAD_REQUEST, words)

    def _endpoints(self) -> Iterator[EndpointDocument]:
        project = self._project()
        endpoints = self._client.endpoints

        def page(after: str | Omit) -> Answer:
            return endpoints.with_raw_response.list(project_id=project, after=after, limit=PAGE)

        for entries in self._pages(page):
            for entry in entries:
                endpoint = self._readable(EndpointDocument, entry, str(entry.get("name")))
                if endpoint is not None:
                    yield endpoint

    def _readable(self, document: type[Document], entry: Entry, endpoint: str) -> Document | None:
        """What an endpoint tells; none where it is foreign and cannot be read."""
        try:
            return read_answer(document, entry)
        except ProviderError as error:
            if is_ours(last_part(endpoint)):
                raise
            log.warning("account %s: endpoint %s is left out: %s", self._account, endpoint, error)
            return None


def _parts(deployment_id: str) -> tuple[str, str]:
    """The ids of the endpoint and of what stands under it."""
    endpoint_id, _, inner_id = deployment_id.partition("/")
    return endpoint_id, inner_id or endpoint_id

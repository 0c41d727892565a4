"""Models of an account, and the deployments that make tuned ones callable."""

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from fireworks import Fireworks, Omit

from tuneq_shared.domain.deployment import is_ours
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment, RemoteModel
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.fireworks.caller import PAGE, Caller, Entry, ExistsError
from tuneq_worker.providers.fireworks.documents import DeploymentDocument, ModelDocument
from tuneq_worker.providers.fireworks.names import last_part, owner_and_id
from tuneq_worker.providers.openai.errors import read_answer

log = logging.getLogger(__name__)

_LIBRARY = "fireworks"  # the account whose models are everybody's
_DELETED = "DELETED"


class ModelCalls(Caller):
    """The part of the port that is about models and deployments."""

    _buyer: Fireworks  # whose answers are bounded as the grace assumes

    def models(self) -> list[RemoteModel]:
        """The library's models that can be tuned or asked, and the account's own.

        The day that Fireworks announces for one ends its serverless deployment, not its tuning.
        """
        models = self._client.models.with_raw_response
        found: dict[str, None] = {}
        for owner in (_LIBRARY, self._options.account_id):

            def page(token: str | Omit, owner: str = owner) -> Any:
                return models.list(account_id=owner, page_size=PAGE, page_token=token)

            for entries in self._pages("models", page):
                documents = [document for entry in entries if (document := _model(entry))]
                usable = (
                    document.name
                    for document in documents
                    if owner != _LIBRARY or document.tunable or document.supports_serverless
                )
                found.update(dict.fromkeys(usable))
        return [RemoteModel(name) for name in found]

    def serves(self, model: str) -> str | None:
        """Its own name, where it is serverless; else that of a deployment that the user made."""
        named = owner_and_id(model)
        if named is None:  # the name of a deployment, or of a model on one
            return model
        models, (owner, model_id) = self._client.models.with_raw_response, named
        found = self._read(ModelDocument, lambda: models.get(model_id, account_id=owner))
        if found.supports_serverless:
            return model
        theirs = [name for name in found.deployments if not is_ours(last_part(name))]
        return f"{model}#{theirs[0]}" if theirs else None

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        """The one whose id is that name, unless it has gone."""
        try:
            found = self.deployment(name)
        except ProviderError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return []
        return [] if found.state is DeploymentState.GONE else [found]

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        """Every deployment, page by page, to the end."""
        deployments = self._client.deployments.with_raw_response

        def page(token: str | Omit) -> Any:
            return deployments.list(page_size=PAGE, page_token=token)

        for entries in self._pages("deployments", page):
            for entry in entries:
                found = self._standing(entry)
                if found and found.state is not DeploymentState.GONE:
                    yield found

    def _standing(self, entry: Entry) -> RemoteDeployment | None:
        """The deployment; none where it is foreign and told in a way that cannot be read."""
        try:
            return read_answer(DeploymentDocument, entry).to_deployment()
        except ProviderError as error:
            if is_ours(last_part(str(entry.get("name")))):
                raise
            log.warning("account %s: a deployment is left out: %s", self._account, error)
            return None

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        """Create the deployment with one POST, under that id: there is never a second one.

        One that was removed keeps its id for a while and is brought back.
        """
        deployments = self._buyer.deployments.with_raw_response
        create = partial(
            deployments.create, base_model=model, deployment_id=name, display_name=name
        )
        try:
            made = self._read(DeploymentDocument, lambda: create(**self._wishes()), check)
            return made.to_deployment()
        except ExistsError as error:
            refusal = error
        try:
            there = self.deployment(name)
        except ProviderError as error:
            raise refusal from error  # which leaves open what there is
        if there.state is not DeploymentState.GONE:
            return there
        if there.raw_state != _DELETED:
            raise refusal
        bring_back = partial(deployments.undelete, name, body={})
        return self._read(DeploymentDocument, bring_back, check).to_deployment()

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        """Look at a deployment."""
        deployments = self._client.deployments.with_raw_response
        found = self._read(DeploymentDocument, lambda: deployments.get(deployment_id))
        return found.to_deployment()

    def remove_deployment(self, deployment_id: str) -> None:
        """Take a deployment away though it was asked a moment ago, unless it is gone."""
        deployments = self._client.deployments.with_raw_response
        with unless_gone():
            self._fetch(lambda: deployments.delete(deployment_id, ignore_checks=True))

    def _wishes(self) -> dict[str, Any]:
        options = self._options
        return {
            "deployment_shape": options.deployment_shape,
            "min_replica_count": options.min_replicas,
            "max_replica_count": options.max_replicas,
            "autoscaling_policy": {"scale_to_zero_window": f"{options.scale_to_zero_s}s"},
        }


def _model(entry: dict[str, Any]) -> ModelDocument | None:
    """The model; none where it is told in a way that cannot be read."""
    try:
        return read_answer(ModelDocument, entry)
    except ProviderError:
        return None

"""The provider port in the Azure dialect."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
from pydantic import SecretStr

from tuneq_shared.domain.deployment import is_ours
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.ports.provider import JobSpec, ProviderError
from tuneq_worker.providers.azure.documents import DeploymentDocument
from tuneq_worker.providers.azure.management import Management
from tuneq_worker.providers.azure.options import AzureOptions
from tuneq_worker.providers.azure.tokens import ApiKey, EntraToken, KeptToken, surrounding_identity
from tuneq_worker.providers.openai.adapter import OpenAIProvider
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.options import read_options

log = logging.getLogger(__name__)


class AzureProvider(OpenAIProvider):
    """A resource of Azure OpenAI, or Foundry. Several threads may use it at once."""

    def __init__(
        self, name: str, account: Account, key: SecretStr, request_timeout_s: float
    ) -> None:
        """For an account and its key, which is empty where tokens let requests in.

        Raises:
            ConfigurationError: an option is wrong or missing, or the extra is not installed.
        """
        options = self._options = read_options(AzureOptions, name, account)
        credential: Credential = ApiKey(key.get_secret_value())
        if options.entra:
            credential = EntraToken(name, options.entra_scope, surrounding_identity(name))
        elif not key.get_secret_value():
            raise ConfigurationError(
                f"account {name!r} says nowhere what lets it in",
                hint=f"set api_key_env or api_key_file under [accounts.{name}], or entra = true "
                f"under [accounts.{name}.options]",
            )
        super().__init__(name, account, key, request_timeout_s, credential)
        if self._capabilities.deployment and options.resource is None:
            raise ConfigurationError(
                f"account {name!r} does not say where tuned models are to be deployed",
                hint=f"set subscription, resource_group and resource under "
                f"[accounts.{name}.options], or deployment = false under "
                f"[accounts.{name}.capabilities]",
            )
        self._management: Management | None = None
        if options.resource is not None:  # also where nothing new is deployed: some may stand
            token = _management_token(name, options)
            self._management = Management(
                name, options, token, self._capabilities, request_timeout_s
            )

    def _order_of(self, spec: JobSpec) -> dict[str, Any]:
        order = super()._order_of(spec)
        kind = self._options.training_type
        return order if kind is None else {**order, "extra_body": {"trainingType": kind}}

    def serves(self, model: str) -> str | None:
        """By the name of a deployment that somebody made, of the model or called like it."""
        if not self._capabilities.deployment:
            return model
        told = [each for each in self.all_deployments() if not is_ours(each.name)]
        ready = [each for each in told if each.state is DeploymentState.READY]
        called = [each.name for each in ready if each.name == model]
        return next(iter(called + [each.name for each in ready if each.model == model]), None)

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        """The one of that name, since names are Azure's ids."""
        try:
            return [self.deployment(name)]
        except ProviderError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                return []
            raise

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        """Every one of the resource; one that cannot be read is left out."""
        for entry in self._management.deployments() if self._management else ():
            try:
                told = read_answer(DeploymentDocument, entry).to_deployment()
            except ProviderError as error:
                log.warning("account %s: a deployment is left out: %s", self._account, error)
                continue
            if told.state is not DeploymentState.GONE:
                yield told

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        """Deploy a model with one PUT."""
        return self._managed().deploy(model, name, check).to_deployment()

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        """Look at a deployment, and whether chat knows it, which may be minutes later."""
        found = self._managed().deployment(deployment_id).to_deployment()
        if found.state is DeploymentState.GONE:
            raise ProviderError(ErrorKind.NOT_FOUND, f"deployment {deployment_id} is being deleted")
        if found.state is DeploymentState.READY and not self._answers(found.handle):
            return replace(found, state=DeploymentState.PENDING)
        return found

    def remove_deployment(self, deployment_id: str) -> None:
        """Delete a deployment, unless it is gone; the tuned model stays."""
        self._managed().remove(deployment_id)

    def _answers(self, deployment: str) -> bool:
        """Whether chat knows it: a request without messages is refused, and costs nothing."""
        nothing: dict[str, Any] = {"model": deployment, "messages": []}
        url = "chat/completions"
        try:
            self._fetch(lambda: self._client.post(url, cast_to=httpx2.Response, body=nothing))
        except ProviderError as error:
            # No answer must keep none from being removed: it is looked at again.
            return not error.ambiguous and error.kind is not ErrorKind.NOT_FOUND
        return True

    def _managed(self) -> Management:
        if self._management is None:
            words = f"account {self._account!r} does not say where its deployments are"
            raise ProviderError(ErrorKind.BAD_REQUEST, words)  # not NOT_FOUND: some may stand
        return self._management


def _management_token(name: str, options: AzureOptions) -> Credential:
    if options.management_token_env or options.management_token_file:
        return KeptToken(name, options.management_token_env, options.token_file)
    scope = f"{options.management_url.rstrip('/')}/.default"
    return EntraToken(name, scope, surrounding_identity(name))

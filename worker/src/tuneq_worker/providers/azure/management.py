"""Deployments of an Azure resource, by Azure's management."""

from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import httpx2

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.azure.documents import (
    DeploymentDocument,
    DeploymentsDocument,
    model_fields,
)
from tuneq_worker.providers.azure.options import AzureOptions
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.openai.caller import MAX_PAGES, Caller, Entry
from tuneq_worker.providers.openai.clients import sync_client
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.dripping import WHOLE_PURCHASE
from tuneq_worker.providers.origins import origin


class Management(Caller):
    """One resource. Every method is one attempt."""

    def __init__(
        self,
        account: str,
        options: AzureOptions,
        credential: Credential,
        capabilities: Capabilities,
        timeout_s: float,
    ) -> None:
        url = options.management_url
        client = sync_client(url, credential, timeout_s, WHOLE_PURCHASE)
        super().__init__(account, client, credential, capabilities)
        self._options = options
        place = (
            *("subscriptions", options.subscription or ""),
            *("resourceGroups", options.resource_group or ""),
            *("providers", "Microsoft.CognitiveServices", "accounts", options.resource or ""),
        )
        parts = "/".join(quote(part, safe="") for part in place)
        self._deployments = f"{url.rstrip('/')}/{parts}/deployments"

    def deploy(self, model: str, name: str, check: Check | None) -> DeploymentDocument:
        """Have a deployment of that name stand, with one PUT: the same again changes nothing."""
        order = {
            "sku": {"name": self._options.sku, "capacity": self._options.capacity},
            "properties": {"model": model_fields(model)},
        }
        url = self._url(name)
        return self._read(
            DeploymentDocument,
            lambda: self._client.put(url, cast_to=httpx2.Response, body=order),
            check,
        )

    def deployment(self, name: str) -> DeploymentDocument:
        """Look at a deployment."""
        return self._read(DeploymentDocument, partial(self._get, self._url(name)))

    def deployments(self) -> Iterator[Entry]:
        """Every deployment of the resource as it came.

        Raises:
            ProviderError: a request failed, or the listing did not end or led elsewhere.
        """
        url: str | None = self._url()
        for _ in range(MAX_PAGES):
            if url is None:
                return
            page = self._read(DeploymentsDocument, partial(self._get, url))
            yield from page.value
            url = page.nextLink
            if url is not None and origin(url) != origin(self._deployments):
                # The token must not go there.
                raise ProviderError(ErrorKind.MALFORMED, "a listing goes on at another address")
        raise ProviderError(ErrorKind.MALFORMED, f"a listing did not end in {MAX_PAGES} pages")

    def remove(self, name: str) -> None:
        """Have a deployment deleted, unless it is gone."""
        url = self._url(name)
        with unless_gone():
            self._fetch(lambda: self._client.delete(url, cast_to=httpx2.Response))

    def _get(self, url: str) -> httpx2.Response:
        return self._client.get(url, cast_to=httpx2.Response)

    def _url(self, name: str | None = None) -> str:
        which = "" if name is None else f"/{quote(name, safe='')}"
        return f"{self._deployments}{which}?api-version={self._options.management_api_version}"

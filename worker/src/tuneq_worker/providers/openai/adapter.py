"""The provider port in the OpenAI dialect."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Chat, StepMetric
from tuneq_worker.providers.openai.batches import BatchCalls
from tuneq_worker.providers.openai.chat import OpenAIChat
from tuneq_worker.providers.openai.clients import chat_session, proxy_for, sync_client
from tuneq_worker.providers.openai.credentials import Bearer, Credential
from tuneq_worker.providers.openai.dripping import WHOLE_PURCHASE
from tuneq_worker.providers.openai.files import FileCalls
from tuneq_worker.providers.openai.jobs import JobCalls
from tuneq_worker.providers.openai.metrics import read_checkpoints, read_metrics
from tuneq_worker.providers.openai.models import ModelCalls
from tuneq_worker.providers.openai.options import OpenAIOptions
from tuneq_worker.providers.options import read_options


class OpenAIProvider(FileCalls, JobCalls, BatchCalls, ModelCalls):
    """An account that speaks the OpenAI dialect. Several threads may use it at once."""

    def __init__(
        self,
        name: str,
        account: Account,
        key: SecretStr,
        request_timeout_s: float,
        credential: Credential | None = None,
    ) -> None:
        """For an account and its key, or what else lets requests in."""
        credential = credential or Bearer(key.get_secret_value())
        url = account.base_url
        client = sync_client(url, credential, request_timeout_s)
        self._buyer = sync_client(url, credential, request_timeout_s, WHOLE_PURCHASE)
        super().__init__(name, client, credential, account.capabilities)
        self._timeout_s = request_timeout_s

    def metrics(self, raw: bytes) -> list[StepMetric]:
        """Read a result file.

        Raises:
            ValueError: it holds no step metrics.
        """
        return read_metrics(raw)

    def checkpoint_metrics(self, checkpoints: Sequence[Mapping[str, Any]]) -> list[StepMetric]:
        """Read what the checkpoints tell, each under its step."""
        return read_checkpoints(checkpoints)

    @asynccontextmanager
    async def open_chat(self, in_flight: int) -> AsyncIterator[Chat]:
        """Open a line with so many connections of its own, for the present event loop."""
        url = f"{self._client.base_url}chat/completions"
        async with chat_session(self._client, self._timeout_s, in_flight) as session:
            yield OpenAIChat(self._account, session, url, self._credential, proxy_for(url))


def plain_provider(
    name: str, account: Account, key: SecretStr, request_timeout_s: float
) -> OpenAIProvider:
    """An account of this dialect, and of none that is built upon it.

    Raises:
        ConfigurationError: it has options, which mean something in other dialects only.
    """
    read_options(OpenAIOptions, name, account)
    return OpenAIProvider(name, account, key, request_timeout_s)

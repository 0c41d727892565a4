"""The provider port in the OpenAI dialect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Chat, StepMetric
from tuneq_worker.providers.openai.chat import OpenAIChat
from tuneq_worker.providers.openai.clients import chat_session, proxy_for, sync_client
from tuneq_worker.providers.openai.dripping import WHOLE_PURCHASE
from tuneq_worker.providers.openai.files import FileCalls
from tuneq_worker.providers.openai.jobs import JobCalls
from tuneq_worker.providers.openai.metrics import read_metrics


class OpenAIProvider(FileCalls, JobCalls):
    """An account that speaks the OpenAI dialect. Several threads may use it at once."""

    def __init__(
        self, name: str, account: Account, key: SecretStr, request_timeout_s: float
    ) -> None:
        secret = key.get_secret_value()
        client = sync_client(account.base_url, secret, request_timeout_s)
        self._buyer = sync_client(account.base_url, secret, request_timeout_s, WHOLE_PURCHASE)
        super().__init__(name, client, secret, account.capabilities)
        self._timeout_s = request_timeout_s

    def metrics(self, raw: bytes) -> list[StepMetric]:
        """Read a result file.

        Raises:
            ValueError: it holds no step metrics.
        """
        return read_metrics(raw)

    @asynccontextmanager
    async def open_chat(self, in_flight: int) -> AsyncIterator[Chat]:
        """Open a line with so many connections of its own, for the present event loop."""
        url = f"{self._client.base_url}chat/completions"
        async with chat_session(self._client, self._timeout_s, in_flight) as session:
            yield OpenAIChat(self._account, session, url, self._key, proxy_for(url))

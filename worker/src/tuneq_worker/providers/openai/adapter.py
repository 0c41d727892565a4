"""The provider port in the OpenAI dialect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Chat, StepMetric
from tuneq_worker.providers.openai.chat import OpenAIChat
from tuneq_worker.providers.openai.clients import async_client, sync_client
from tuneq_worker.providers.openai.files import FileCalls
from tuneq_worker.providers.openai.jobs import JobCalls
from tuneq_worker.providers.openai.metrics import read_metrics


class OpenAIProvider(FileCalls, JobCalls):
    """An account that speaks the OpenAI dialect. Several threads may use it at once."""

    def __init__(
        self, name: str, account: Account, key: SecretStr, request_timeout_s: float
    ) -> None:
        secret = key.get_secret_value()
        super().__init__(name, sync_client(account.base_url, secret, request_timeout_s), secret)
        self._base_url = account.base_url
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
        client = async_client(self._base_url, self._key, self._timeout_s, in_flight)
        async with client:
            yield OpenAIChat(self._account, client, self._key)

"""The provider port in Together's dialect."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Chat, StepMetric
from tuneq_worker.providers.openai.chat import OpenAIChat
from tuneq_worker.providers.openai.clients import chat_session, proxy_for
from tuneq_worker.providers.openai.credentials import Bearer
from tuneq_worker.providers.openai.dripping import WHOLE_PURCHASE
from tuneq_worker.providers.options import read_options
from tuneq_worker.providers.together.clients import client_for
from tuneq_worker.providers.together.deployments import DeploymentCalls
from tuneq_worker.providers.together.files import FileCalls
from tuneq_worker.providers.together.jobs import JobCalls
from tuneq_worker.providers.together.metrics import read_metrics
from tuneq_worker.providers.together.options import TogetherOptions
from tuneq_worker.providers.without_batches import WithoutBatches


class TogetherProvider(FileCalls, JobCalls, DeploymentCalls, WithoutBatches):
    """An account of Together AI. Several threads may use it at once."""

    def __init__(
        self, name: str, account: Account, key: SecretStr, request_timeout_s: float
    ) -> None:
        """For an account and its key.

        Raises:
            ConfigurationError: an option is wrong, or purchases could not be told apart.
        """
        if not account.capabilities.metadata:
            raise ConfigurationError(
                f"accounts.{name}.capabilities.metadata is false, and Together keeps equal files "
                "once: nothing would tell a purchase from others",
                hint="leave it away: purchases are told by the suffix of their model",
            )
        options = read_options(TogetherOptions, name, account)
        credential, url = Bearer(key.get_secret_value()), account.base_url
        self._buyer = client_for(url, credential, request_timeout_s, WHOLE_PURCHASE)
        client = client_for(url, credential, request_timeout_s)
        super().__init__(name, client, credential, options)
        self._capabilities = account.capabilities
        self._timeout_s = request_timeout_s

    def metrics(self, raw: bytes) -> list[StepMetric]:
        """Read a job's step metrics.

        Raises:
            ValueError: there are none.
        """
        return read_metrics(raw)

    def checkpoint_metrics(self, checkpoints: Sequence[Mapping[str, Any]]) -> list[StepMetric]:
        """None: checkpoints tell none."""
        del checkpoints
        return []

    @asynccontextmanager
    async def open_chat(self, in_flight: int) -> AsyncIterator[Chat]:
        """Open a line with so many connections of its own, for the present event loop."""
        url = f"{str(self._client.base_url).rstrip('/')}/v1/chat/completions"
        async with chat_session(self._client, self._timeout_s, in_flight) as session:
            yield OpenAIChat(self._account, session, url, self._credential, proxy_for(url))

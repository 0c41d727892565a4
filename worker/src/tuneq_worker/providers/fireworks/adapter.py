"""The provider port in the Fireworks dialect."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Chat, StepMetric
from tuneq_worker.providers.fireworks.chat import WakingChat
from tuneq_worker.providers.fireworks.datasets import DatasetCalls
from tuneq_worker.providers.fireworks.deployments import ModelCalls
from tuneq_worker.providers.fireworks.documents import METRICS
from tuneq_worker.providers.fireworks.jobs import JobCalls
from tuneq_worker.providers.fireworks.metrics import read_metrics
from tuneq_worker.providers.fireworks.options import FireworksOptions
from tuneq_worker.providers.fireworks.signed import SignedAddresses
from tuneq_worker.providers.fireworks.transport import sdk_client
from tuneq_worker.providers.openai.chat import OpenAIChat
from tuneq_worker.providers.openai.clients import chat_session, proxy_for
from tuneq_worker.providers.openai.credentials import Bearer
from tuneq_worker.providers.openai.dripping import WHOLE_PURCHASE
from tuneq_worker.providers.options import read_options
from tuneq_worker.providers.without_batches import WithoutBatches


class FireworksProvider(DatasetCalls, JobCalls, ModelCalls, WithoutBatches):
    """An account at Fireworks. Several threads may use it at once."""

    def __init__(
        self, name: str, account: Account, key: SecretStr, request_timeout_s: float
    ) -> None:
        options = read_options(FireworksOptions, name, account)
        self._credential = Bearer(key.get_secret_value())
        url = account.base_url.rstrip("/")
        known = (url, self._credential, options.account_id, request_timeout_s)
        client = sdk_client(*known)
        super().__init__(name, client, key.get_secret_value(), options, account.capabilities)
        self._buyer = sdk_client(*known, WHOLE_PURCHASE)
        self._signed = SignedAddresses(url, request_timeout_s)
        self._chat_url = f"{url}/inference/v1/chat/completions"
        self._timeout_s = request_timeout_s

    def result_file(self, file_id: str) -> bytes:
        """A job's metrics, or what a dataset holds."""
        job_id, ending, _ = file_id.partition(METRICS)
        return self._signed.get(self._metrics_address(job_id)) if ending else self._content(file_id)

    def metrics(self, raw: bytes) -> list[StepMetric]:
        """Read a metrics file.

        Raises:
            ValueError: it holds no step metrics.
        """
        return read_metrics(raw)

    def checkpoint_metrics(self, checkpoints: Sequence[Mapping[str, Any]]) -> list[StepMetric]:
        """None: no checkpoints are offered."""
        del checkpoints
        return []

    @asynccontextmanager
    async def open_chat(self, in_flight: int) -> AsyncIterator[Chat]:
        """Open a line with so many connections of its own, for the present event loop."""
        url, credential = self._chat_url, self._credential
        async with chat_session(self._client, self._timeout_s, in_flight) as session:
            yield WakingChat(OpenAIChat(self._account, session, url, credential, proxy_for(url)))

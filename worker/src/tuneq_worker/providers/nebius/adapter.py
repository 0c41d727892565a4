"""The provider port in the Nebius dialect."""

from dataclasses import replace

from pydantic import SecretStr

from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Job, JobStatus
from tuneq_worker.providers.nebius.models import CustomModelCalls
from tuneq_worker.providers.nebius.options import NebiusOptions
from tuneq_worker.providers.openai.adapter import OpenAIProvider
from tuneq_worker.providers.openai.documents import JobDocument
from tuneq_worker.providers.options import read_options


class NebiusProvider(CustomModelCalls, OpenAIProvider):
    """An account of Nebius Token Factory. Several threads may use it at once."""

    def __init__(
        self, name: str, account: Account, key: SecretStr, request_timeout_s: float
    ) -> None:
        """For an account and its key.

        Raises:
            ConfigurationError: an option is wrong.
        """
        self._options = read_options(NebiusOptions, name, account)
        beside = account.base_url.rstrip("/").removesuffix("/v1")
        self._models_url = f"{beside}/v0/models"
        super().__init__(name, account, key, request_timeout_s)

    def _job_of(self, document: JobDocument) -> Job:
        """A job names no model; the one that it made goes by the job's own name."""
        job = super()._job_of(document)
        if job.status is not JobStatus.FINALIZING:
            return job
        return replace(job, status=JobStatus.SUCCEEDED, fine_tuned_model=job.id)

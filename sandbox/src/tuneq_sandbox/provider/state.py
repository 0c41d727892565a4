"""All that the routes share: one object, made once."""

import time
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from tuneq_sandbox.learner.model_cache import ModelCache
from tuneq_sandbox.provider.batch_store import BatchStore
from tuneq_sandbox.provider.config import ProviderConfig
from tuneq_sandbox.provider.database import Database
from tuneq_sandbox.provider.deployment_store import DeploymentStore
from tuneq_sandbox.provider.faults import Faults
from tuneq_sandbox.provider.file_store import FileStore
from tuneq_sandbox.provider.folder import Folder
from tuneq_sandbox.provider.job_store import JobStore
from tuneq_sandbox.provider.rate_limit import RateLimiter
from tuneq_sandbox.provider.stats import Stats
from tuneq_sandbox.provider.upload_store import UploadStore


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The provider's memory and its stores."""

    config: ProviderConfig
    keys: frozenset[str]
    folder: Folder
    database: Database
    files: FileStore
    uploads: UploadStore
    jobs: JobStore
    batches: BatchStore
    deployments: DeploymentStore
    faults: Faults
    limiter: RateLimiter
    models: ModelCache
    stats: Stats
    started_at: float

    @classmethod
    def open(cls, config: ProviderConfig, folder: Folder, keys: frozenset[str]) -> Self:
        """Open the folder's state, as the last server on it left it, and clean up after it.

        Raises:
            ConflictError: another server holds the folder.
        """
        database = Database(folder.database)
        state = cls(
            config=config,
            keys=keys,
            folder=folder,
            database=database,
            files=FileStore(database),
            uploads=UploadStore(database),
            jobs=JobStore(database),
            batches=BatchStore(database),
            deployments=DeploymentStore(database),
            faults=Faults(config.faults),
            limiter=RateLimiter(config.rate_limit, time.monotonic),
            models=ModelCache(config.model_cache_bytes),
            stats=Stats(),
            started_at=time.time(),
        )
        state.uploads.forget_expired(state.started_at)
        folder.sweep(state.needed_contents(), state.uploads.all_parts())
        return state

    def needed_contents(self) -> set[str]:
        """Digests that a file, an unfinished job or an unfinished batch still needs."""
        needed = self.files.contents()
        needed.update(batch.input_sha256 for batch in self.batches.unfinished())
        for job in self.jobs.unfinished():
            needed.add(job.training_sha256)
            if job.validation_sha256:
                needed.add(job.validation_sha256)
        return needed

    def release_content(self, sha256: str) -> None:
        """Delete a content if nobody needs it any more."""
        if not self.files.holds(sha256) and sha256 not in self.needed_contents():
            self.folder.drop_content(sha256)


STATE = web.AppKey("state", State)

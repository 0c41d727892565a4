"""A fake account that shows all its jobs, beside a real store."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.worker.fakes import World

from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document
from tuneq_shared.domain.run import Run
from tuneq_shared.ports.items import Commit
from tuneq_worker.ports.provider import Job, JobStatus

LOST = "abcdefghij234567abcd"
"""The id of a run that is not here."""


class BooksWorld(World):
    """A world whose only account shows its books."""

    def __init__(self, redis_url: str, prefix: str, folder: Path, **settings: Any) -> None:
        super().__init__(redis_url, prefix, folder, **settings)
        self.books = self.provider

    def job(
        self, purchase: str | None, status: JobStatus = JobStatus.RUNNING, **fields: Any
    ) -> Job:
        """A job at the account, with the metadata that tuneq gives it."""
        job = self.books.put_job(purchase or "", status)
        run = (purchase or "").partition("/")[0]
        given = {
            "purchase": purchase,
            "training_file": "file-abc",
            "labels": {"tuneq_group": "g", "tuneq_name": f"n-{run}"},
            **fields,
        }
        return self.books.set_job(job.id, status, **given)

    def bought(self, **fields: Any) -> tuple[ItemId, Job]:
        """A run in training, and its job."""
        run = self.submit(**fields)
        self.books.by_hand = True
        self.drive_to(run, RunStage.TRAINING)
        return run, self.books.jobs[self.run(run).job_id or ""]

    def change(self, item: ItemId, stage: RunStage, **fields: Any) -> Run:
        """Put a run into another state, as a worker's step would."""
        self.let_time_pass(grace=False)
        self.ports.items.wake([item])
        claim = self.ports.items.claim(item, 60)
        assert claim is not None
        run = replace(self.run(item), stage=stage, **fields)
        self.ports.items.commit(claim, Commit(stage=stage, doc=document(run), delay_s=3600))
        return run

"""Fine-tuning jobs of an account."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from pydantic import BaseModel
from together import Together

from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import Job, JobSpec, ProviderError
from tuneq_worker.providers.ending import cancelled
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.sweeping import sweep
from tuneq_worker.providers.together.caller import Caller
from tuneq_worker.providers.together.documents import Entry, JobDocument, PageDocument
from tuneq_worker.providers.together.orders import order
from tuneq_worker.providers.together.purchases import purchase_in

log = logging.getLogger(__name__)


class _Adapters(BaseModel):
    default_rank: int


class _Limits(BaseModel):
    lora_training: _Adapters


class JobCalls(Caller):
    """The part of the port that is about jobs. Their listing has one page, in no certain order."""

    _buyer: Together  # whose answers are bounded as a purchase's grace assumes

    def create_job(self, spec: JobSpec, check: Check | None = None) -> Job:
        """Buy a job with one POST: the SDK's own method asks for limits and a price before it."""
        body = order(spec, self._options.evaluations, lambda: self._default_rank(spec.model))
        job = self._read(
            JobDocument,
            lambda: self._buyer.post("/v1/fine-tunes", cast_to=httpx.Response, body=body),
            check,
        ).to_job()
        if job.purchase != spec.purchase:
            log.warning("account %s: %s does not bear its purchase", self._account, job.id)
        return job

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        """The purchase's jobs, of all that there are."""
        del since
        # One of ours that cannot be read is an error: it must not be bought again.
        return [_read(entry) for entry in self._entries() if _purchase_of(entry) == purchase]

    def find_jobs_on(self, training_file: str, since: float | None) -> list[Job]:
        """The file's jobs, of all that there are. Purchases may share a file."""
        del since
        return [_read(e) for e in self._entries() if e.get("training_file") == training_file]

    def all_jobs(self) -> Iterator[Job]:
        """Every job, without labels: none are kept."""
        for entry in self._entries():
            # One of ours that cannot be read is an error, as it is to `find_jobs`.
            job = _read(entry) if _purchase_of(entry) else _readable(entry)
            if job is not None:
                yield job

    def sweep(self, job_ids: Sequence[str], *, others: bool = False) -> list[Job]:
        """These jobs, and with `others` further active ones: see `sweeping`."""
        return sweep(job_ids, self._listed(), self.job, others=others)

    def _listed(self) -> Iterator[list[Job]]:
        """All jobs that can be read; asked for when they are needed."""
        yield [job for entry in self._entries() if (job := _readable(entry))]

    def job(self, job_id: str) -> Job:
        """Look at a job."""
        jobs = self._client.fine_tuning.with_raw_response
        return self._read(JobDocument, lambda: jobs.retrieve(job_id)).to_job()

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled; one that has ended is answered as it is."""
        jobs = self._client.fine_tuning.with_raw_response
        return cancelled(
            lambda: self._read(JobDocument, lambda: jobs.cancel(job_id)).to_job(),
            lambda: self.job(job_id),
        )

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """The job's events, oldest first, as they came."""
        jobs = self._client.fine_tuning.with_raw_response
        events = self._read(PageDocument, lambda: jobs.list_events(job_id)).data
        return sorted(events, key=lambda event: str(event.get("created_at")))

    def checkpoints(self, job_id: str) -> list[dict[str, Any]]:
        """The job's checkpoints as they came."""
        jobs = self._client.fine_tuning.with_raw_response
        return self._read(PageDocument, lambda: jobs.list_checkpoints(job_id)).data

    def _entries(self) -> list[Entry]:
        jobs = self._client.fine_tuning.with_raw_response
        return self._read(PageDocument, jobs.list).data

    def _default_rank(self, model: str) -> int:
        jobs = self._client.fine_tuning.with_raw_response
        limits = self._read(_Limits, lambda: jobs.model_limits(model_name=model))
        return limits.lora_training.default_rank


def _read(entry: Entry) -> Job:
    return read_answer(JobDocument, entry).to_job()


def _readable(entry: Entry) -> Job | None:
    """The job; none where it is told in a way that cannot be read, as a foreign one may be."""
    try:
        return _read(entry)
    except ProviderError as error:
        log.warning("a job in the listing is left out: %s: %s", entry.get("id"), error)
        return None


def _purchase_of(entry: Entry) -> str | None:
    told = (entry.get("suffix"), entry.get("model_output_name"))
    found = (purchase_in(each) for each in told if isinstance(each, str))
    return next((purchase for purchase in found if purchase), None)

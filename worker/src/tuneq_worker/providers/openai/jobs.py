"""Fine-tuning jobs of an account."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from openai import OpenAI, omit

from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import Job, JobSpec, ProviderError
from tuneq_worker.providers.ending import cancelled
from tuneq_worker.providers.openai.caller import PAGE, Caller, Entry
from tuneq_worker.providers.openai.documents import PURCHASE_KEY, JobDocument
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.openai.listings import found, purchase_of
from tuneq_worker.providers.openai.orders import order_of
from tuneq_worker.providers.sweeping import sweep

log = logging.getLogger(__name__)


class JobCalls(Caller):
    """The part of the port that is about jobs."""

    _buyer: OpenAI  # whose answers are bounded as a purchase's grace assumes

    def create_job(self, spec: JobSpec, check: Check | None = None) -> Job:
        """Buy a job with one POST."""
        jobs, order = self._buyer.fine_tuning.jobs.with_raw_response, self._order_of(spec)
        return self._job_of(self._read(JobDocument, lambda: jobs.create(**order), check))

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        """The purchase's jobs, from a listing read to its end or until it is an hour past `since`.

        The metadata is compared here: a server may ignore the filter.
        """
        jobs = self._client.fine_tuning.jobs.with_raw_response
        wanted = {PURCHASE_KEY: purchase} if self._capabilities.metadata_filter else omit
        pages = self._pages(lambda after: jobs.list(limit=PAGE, after=after, metadata=wanted))
        return self._ours(found(pages, since, lambda entry: purchase_of(entry) == purchase))

    def find_jobs_on(self, training_file: str, since: float | None) -> list[Job]:
        """The file's jobs, from a listing read as far as `find_jobs` reads it."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        pages = self._pages(lambda after: jobs.list(limit=PAGE, after=after))
        return self._ours(
            found(pages, since, lambda entry: entry.get("training_file") == training_file)
        )

    def all_jobs(self) -> Iterator[Job]:
        """Every job with its labels, page by page, to the end."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        for entries in self._pages(lambda after: jobs.list(limit=PAGE, after=after)):
            for entry in entries:
                # One of ours that cannot be read is an error, as it is to `find_jobs`.
                ours = purchase_of(entry) is not None
                job = self._read_job(entry) if ours else self._readable(entry)
                if job is not None:
                    yield replace(job, labels=_labels_of(entry))

    def sweep(self, job_ids: Sequence[str], *, others: bool = False) -> list[Job]:
        """These jobs, and with `others` further active ones: see `sweeping`."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        pages = self._job_pages(self._pages(lambda after: jobs.list(limit=PAGE, after=after)))
        return sweep(job_ids, pages, self.job, others=others)

    def job(self, job_id: str) -> Job:
        """Look at a job."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        return self._job_of(self._read(JobDocument, lambda: jobs.retrieve(job_id)))

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled; one that has ended is answered as it is."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        return cancelled(
            lambda: self._job_of(self._read(JobDocument, lambda: jobs.cancel(job_id))),
            lambda: self.job(job_id),
        )

    def events(self, job_id: str) -> list[Entry]:
        """The job's events, oldest first, as they came."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        pages = self._pages(lambda after: jobs.list_events(job_id, limit=PAGE, after=after))
        events = [entry for page in pages for entry in page]
        # They come newest first; turned round as a whole, those of one second keep their order.
        return sorted(events, key=_created_at, reverse=True)[::-1]

    def checkpoints(self, job_id: str) -> list[Entry]:
        """The job's checkpoints as they came."""
        checkpoints = self._client.fine_tuning.jobs.checkpoints.with_raw_response
        pages = self._pages(lambda after: checkpoints.list(job_id, limit=PAGE, after=after))
        return [entry for page in pages for entry in page]

    def _order_of(self, spec: JobSpec) -> dict[str, Any]:
        """The fields of the request that buys the job."""
        return order_of(spec, self._capabilities)

    def _job_of(self, document: JobDocument) -> Job:
        """In our words; where result files hold no step metrics, there are none for us."""
        job = document.to_job()
        return job if self._capabilities.metrics == "files" else replace(job, result_files=())

    def _job_pages(self, pages: Iterator[list[Entry]]) -> Iterator[list[Job]]:
        for entries in pages:
            yield [job for entry in entries if (job := self._readable(entry))]

    def _ours(self, entries: Iterable[Entry]) -> list[Job]:
        """Ours; one that cannot be read is an error: it must not be bought again."""
        return [self._read_job(entry) for entry in entries]

    def _readable(self, entry: Entry) -> Job | None:
        """The job; none where it is told in a way that cannot be read, as a foreign one may be."""
        try:
            return self._read_job(entry)
        except ProviderError as error:
            log.warning("a job in the listing is left out: %s: %s", entry.get("id"), error)
            return None

    def _read_job(self, entry: Entry) -> Job:
        return self._job_of(read_answer(JobDocument, entry))


def _labels_of(entry: Entry) -> dict[str, str]:
    metadata = entry.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return {k: v for k, v in pairs if k != PURCHASE_KEY and isinstance(v, str)}


def _created_at(event: dict[str, Any]) -> float:
    value = event.get("created_at")
    return float(value) if isinstance(value, int | float) else 0.0

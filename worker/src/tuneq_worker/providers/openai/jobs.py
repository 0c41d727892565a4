"""Fine-tuning jobs of an account."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from openai import omit
from openai.types.fine_tuning.job_create_params import Method as MethodParameter

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Method
from tuneq_worker.ports.provider import Job, JobSpec, ProviderError
from tuneq_worker.providers.openai.caller import PAGE, Caller, Entry
from tuneq_worker.providers.openai.documents import PURCHASE_KEY, JobDocument
from tuneq_worker.providers.openai.errors import read_answer

if TYPE_CHECKING:
    from openai.types.fine_tuning import SupervisedHyperparametersParam

log = logging.getLogger(__name__)

CLOCK_SKEW_S = 3600.0
"""How far the provider's clock may be behind ours."""
_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512  # what metadata may hold


class JobCalls(Caller):
    """The part of the port that is about jobs."""

    def create_job(self, spec: JobSpec) -> Job:
        """Buy a job with one POST."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        return self._read(
            JobDocument,
            lambda: jobs.create(
                model=spec.model,
                training_file=spec.training_file,
                validation_file=spec.validation_file or omit,
                method=_method(spec.method),
                suffix=spec.suffix or omit,
                seed=omit if spec.seed is None else spec.seed,
                metadata=_metadata(spec),
            ),
        ).to_job()

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        """The purchase's jobs, from a listing read to its end or until it is an hour past `since`.

        The metadata is compared here: a server may ignore the filter.
        """
        jobs = self._client.fine_tuning.jobs.with_raw_response
        wanted = {PURCHASE_KEY: purchase}
        found: list[Job] = []
        for entries in self._pages(
            lambda after: jobs.list(limit=PAGE, after=after, metadata=wanted)
        ):
            # One of ours that cannot be read is an error: it must not be bought again.
            ours = (entry for entry in entries if _purchase_of(entry) == purchase)
            found += [read_answer(JobDocument, entry).to_job() for entry in ours]
            if since is not None and _all_before(entries, since - CLOCK_SKEW_S):
                break
        return found

    def all_jobs(self, since: float | None = None) -> Iterator[Job]:
        """Every job with its labels, page by page, to the end or an hour past `since`."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        for entries in self._pages(lambda after: jobs.list(limit=PAGE, after=after)):
            for entry in entries:
                # One of ours that cannot be read is an error, as it is to `find_jobs`.
                ours = _purchase_of(entry) is not None
                job = read_answer(JobDocument, entry).to_job() if ours else _readable(entry)
                if job is not None:
                    yield replace(job, labels=_labels_of(entry))
            if since is not None and _all_before(entries, since - CLOCK_SKEW_S):
                return

    def sweep(self, job_ids: Sequence[str]) -> list[Job]:
        """These jobs, from the listing as long as it is cheaper than asking for them one by one.

        A page without any of them cost as much as asking for one: when such pages outnumber what
        is still missing, the rest is asked for singly. Those that are gone are left out.
        """
        missing = dict.fromkeys(job_ids)
        found: list[Job] = []
        barren = 1  # so that a single job is asked for by its id at once
        jobs = self._client.fine_tuning.jobs.with_raw_response
        pages = self._job_pages(self._pages(lambda after: jobs.list(limit=PAGE, after=after)))
        while barren < len(missing) and (page := next(pages, None)) is not None:
            hits = [job for job in page if job.id in missing]
            barren += not hits
            found += hits
            for job in hits:
                del missing[job.id]
        for job_id in missing:
            try:
                found.append(self.job(job_id))
            except ProviderError as error:
                if error.kind is not ErrorKind.NOT_FOUND:
                    raise
        return found

    def job(self, job_id: str) -> Job:
        """Look at a job."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        return self._read(JobDocument, lambda: jobs.retrieve(job_id)).to_job()

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled; one that has ended is answered as it is."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        try:
            return self._read(JobDocument, lambda: jobs.cancel(job_id)).to_job()
        except ProviderError as error:
            if error.kind not in {ErrorKind.BAD_REQUEST, ErrorKind.SERVER}:
                raise
            refusal = error
        job = self.job(job_id)
        if job.status.is_terminal:
            return job
        raise refusal

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

    @staticmethod
    def _job_pages(pages: Iterator[list[Entry]]) -> Iterator[list[Job]]:
        for entries in pages:
            yield [job for entry in entries if (job := _readable(entry))]


def _readable(entry: Entry) -> Job | None:
    """The job; none where it is told in a way that cannot be read, as a foreign one may be."""
    try:
        return read_answer(JobDocument, entry).to_job()
    except ProviderError as error:
        log.warning("a job in the listing is left out: %s: %s", entry.get("id"), error)
        return None


def _purchase_of(entry: Entry) -> object:
    metadata = entry.get("metadata")
    return metadata.get(PURCHASE_KEY) if isinstance(metadata, dict) else None


def _labels_of(entry: Entry) -> dict[str, str]:
    metadata = entry.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return {k: v for k, v in pairs if k != PURCHASE_KEY and isinstance(v, str)}


def _all_before(entries: Sequence[Entry], instant: float) -> bool:
    """Whether this page, of a listing that runs newest first, and so all after it, is older."""
    times = [entry.get("created_at") for entry in entries]
    known = [float(time) for time in times if isinstance(time, int | float)]
    return len(known) == len(times) and known[0] >= known[-1] and max(known) < instant


def _method(method: Method) -> MethodParameter:
    knobs = method.supervised.hyperparameters.model_dump(exclude_none=True)
    if not knobs:
        return {"type": method.type}
    hyperparameters = cast("SupervisedHyperparametersParam", knobs)
    return {"type": method.type, "supervised": {"hyperparameters": hyperparameters}}


def _metadata(spec: JobSpec) -> dict[str, str]:
    labels = {key[:_MAX_KEY]: value[:_MAX_VALUE] for key, value in spec.labels.items()}
    labels.pop(PURCHASE_KEY, None)
    kept = dict(list(labels.items())[: _MAX_PAIRS - 1])
    return {PURCHASE_KEY: spec.purchase, **kept}


def _created_at(event: dict[str, Any]) -> float:
    value = event.get("created_at")
    return float(value) if isinstance(value, int | float) else 0.0

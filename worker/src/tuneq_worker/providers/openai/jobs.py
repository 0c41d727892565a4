"""Fine-tuning jobs of an account."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from openai import OpenAI, omit
from openai.types.fine_tuning.job_create_params import Method as MethodParameter

from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_shared.domain.request import Method
from tuneq_worker.ports.provider import Check, Job, JobSpec, ProviderError
from tuneq_worker.providers.openai.caller import PAGE, Caller, Entry
from tuneq_worker.providers.openai.documents import PURCHASE_KEY, JobDocument
from tuneq_worker.providers.openai.errors import read_answer

if TYPE_CHECKING:
    from openai.types.fine_tuning import SupervisedHyperparametersParam

log = logging.getLogger(__name__)

CLOCK_SKEW_S = 3600.0
"""How far the provider's clock may be behind ours."""
_OF_ONE_JOB = frozenset({ErrorKind.NOT_FOUND, ErrorKind.MALFORMED})  # and the provider is there
_OF_ALL_JOBS = STOPS_ACCOUNT | {ErrorKind.RATE}  # the next one would be refused alike
_MAX_UNANSWERED = 3  # in a row: then it is the provider that is away, and not a job
_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512  # what metadata may hold


class JobCalls(Caller):
    """The part of the port that is about jobs."""

    _buyer: OpenAI  # whose answers are bounded as a purchase's grace assumes

    def create_job(self, spec: JobSpec, check: Check | None = None) -> Job:
        """Buy a job with one POST."""
        jobs = self._buyer.fine_tuning.jobs.with_raw_response
        return self._read(
            JobDocument,
            lambda: jobs.create(
                model=spec.model,
                training_file=spec.training_file,
                validation_file=spec.validation_file or omit,
                method=_method(spec.method),
                suffix=spec.suffix or omit,
                seed=omit if spec.seed is None else spec.seed,
                metadata=omit if spec.purchase is None else _metadata(spec.purchase, spec.labels),
            ),
            check,
        ).to_job()

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        """The purchase's jobs, from a listing read to its end or until it is an hour past `since`.

        The metadata is compared here: a server may ignore the filter.
        """
        jobs = self._client.fine_tuning.jobs.with_raw_response
        wanted = {PURCHASE_KEY: purchase}
        pages = self._pages(lambda after: jobs.list(limit=PAGE, after=after, metadata=wanted))
        return _found(pages, since, lambda entry: _purchase_of(entry) == purchase)

    def find_jobs_on(self, training_file: str, since: float | None) -> list[Job]:
        """The file's jobs, from a listing read as far as `find_jobs` reads it."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        pages = self._pages(lambda after: jobs.list(limit=PAGE, after=after))
        return _found(pages, since, lambda entry: entry.get("training_file") == training_file)

    def all_jobs(self) -> Iterator[Job]:
        """Every job with its labels, page by page, to the end."""
        jobs = self._client.fine_tuning.jobs.with_raw_response
        for entries in self._pages(lambda after: jobs.list(limit=PAGE, after=after)):
            for entry in entries:
                # One of ours that cannot be read is an error, as it is to `find_jobs`.
                ours = _purchase_of(entry) is not None
                job = read_answer(JobDocument, entry).to_job() if ours else _readable(entry)
                if job is not None:
                    yield replace(job, labels=_labels_of(entry))

    def sweep(self, job_ids: Sequence[str], *, others: bool = False) -> list[Job]:
        """These jobs, from the listing as long as it is cheaper than asking for them one by one.

        A page without any of them cost as much as asking for one: when such pages outnumber what
        is still missing, the rest is asked for singly. Left out are those that are gone, and those
        of which nothing can be learned: not all must go unseen for one. For the others one page is
        read in any case, and no more than that for their sake.
        """
        missing = dict.fromkeys(job_ids)
        found: list[Job] = []
        barren = 1  # so that a single job is asked for by its id at once
        jobs = self._client.fine_tuning.jobs.with_raw_response
        pages = self._job_pages(self._pages(lambda after: jobs.list(limit=PAGE, after=after)))
        reads_on, heard = others or barren < len(missing), False
        while reads_on:
            page, heard = _next(pages, heard=heard), True
            if page is None:
                break
            hits = [job for job in page if job.id in missing]
            found += hits
            if others:
                found += [job for job in page if job.id not in missing and job.status.is_active]
            barren += not hits
            for job in hits:
                del missing[job.id]
            reads_on = barren < len(missing)
        return found + self._singly(missing, heard=heard)

    def _singly(self, job_ids: Iterable[str], *, heard: bool) -> list[Job]:
        """Those of these that can be looked at; an error where errors are all that is heard."""
        found: list[Job] = []
        trouble: ProviderError | None = None
        unanswered = 0
        for job_id in job_ids:
            try:
                found.append(self.job(job_id))
            except ProviderError as error:
                unanswered = unanswered + 1 if error.kind is ErrorKind.NETWORK else 0
                if error.kind in _OF_ALL_JOBS or unanswered == _MAX_UNANSWERED:
                    raise
                if error.kind in _OF_ONE_JOB:
                    heard = True
                else:
                    log.warning("account %s: no news of %s: %s", self._account, job_id, error)
                    trouble = error
            else:
                heard, unanswered = True, 0
        if trouble is not None and not heard:
            raise trouble
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


def _next(pages: Iterator[list[Job]], *, heard: bool) -> list[Job] | None:
    """The next page; none also where a listing that has begun well cannot be read on."""
    try:
        return next(pages, None)
    except ProviderError as error:
        if not heard or error.kind is not ErrorKind.MALFORMED:
            raise
        return None


def _found(
    pages: Iterable[list[Entry]], since: float | None, is_ours: Callable[[Entry], bool]
) -> list[Job]:
    found: list[Job] = []
    for entries in pages:
        # One of ours that cannot be read is an error: it must not be bought again.
        found += [read_answer(JobDocument, entry).to_job() for entry in entries if is_ours(entry)]
        if since is not None and _all_before(entries, since - CLOCK_SKEW_S):
            break
    return found


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


def _metadata(purchase: str, given: Mapping[str, str]) -> dict[str, str]:
    labels = {key[:_MAX_KEY]: value[:_MAX_VALUE] for key, value in given.items()}
    labels.pop(PURCHASE_KEY, None)
    kept = dict(list(labels.items())[: _MAX_PAIRS - 1])
    return {PURCHASE_KEY: purchase, **kept}


def _created_at(event: dict[str, Any]) -> float:
    value = event.get("created_at")
    return float(value) if isinstance(value, int | float) else 0.0

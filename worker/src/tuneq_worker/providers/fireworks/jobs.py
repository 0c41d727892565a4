"""Supervised fine-tuning jobs of an account."""

import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fireworks import Fireworks, Omit

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import Job, JobSpec, ProviderError
from tuneq_worker.providers.fireworks.caller import PAGE, Caller, Entry, ExistsError
from tuneq_worker.providers.fireworks.documents import JobDocument
from tuneq_worker.providers.fireworks.names import dataset_of, full_name, id_for, last_part
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.sweeping import sweep

log = logging.getLogger(__name__)

_KNOBS = {
    "n_epochs": "epochs",
    "batch_size": "batch_size_samples",
    "learning_rate": "learning_rate",
    "weight_decay": "optimizer_weight_decay",
    "context_length": "max_context_length",
    "lora_r": "lora_rank",
}
"""Our name of a hyperparameter: theirs."""


class JobCalls(Caller):
    """The part of the port that is about jobs."""

    _buyer: Fireworks  # whose answers are bounded as a purchase's grace assumes

    def create_job(self, spec: JobSpec, check: Check | None = None) -> Job:
        """Buy a job with one POST, under an id made of the purchase: never a second one of it."""
        jobs, order = self._buyer.supervised_fine_tuning_jobs.with_raw_response, self._order(spec)
        try:
            return self._job_of(self._read(JobDocument, lambda: jobs.create(**order), check))
        except ExistsError as error:
            refusal = error
        if spec.purchase is not None:
            try:
                return self._bought_before(spec.purchase)
            except ProviderError as error:
                log.info("account %s: a job that exists cannot be read: %s", self._account, error)
        raise refusal  # which leaves open what there is

    def find_jobs(self, purchase: str, since: float | None) -> list[Job]:
        """The purchase's job, asked for by its id."""
        del since
        try:
            return [self._bought_before(purchase)]
        except ProviderError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            return []

    def find_jobs_on(self, training_file: str, since: float | None) -> list[Job]:
        """The file's jobs, from the whole listing: nothing is said to keep its order."""
        del since
        dataset = full_name(self._options.account_id, "datasets", dataset_of(training_file))
        entries = (entry for page in self._listing() for entry in page)
        return [self._read_job(entry) for entry in entries if entry.get("dataset") == dataset]

    def all_jobs(self) -> Iterator[Job]:
        """Every job, page by page, to the end; labels are not kept."""
        for entries in self._listing():
            for entry in entries:
                # One of ours that cannot be read is an error, as it is to `find_jobs`.
                job = self._read_job(entry) if _is_ours(entry) else self._readable(entry)
                if job is not None:
                    yield job

    def sweep(self, job_ids: Sequence[str], *, others: bool = False) -> list[Job]:
        """These jobs, and with `others` further active ones: see `sweeping`."""
        pages = ([job for entry in page if (job := self._readable(entry))]
                 for page in self._listing())  # fmt: skip
        return sweep(job_ids, pages, self.job, others=others)

    def job(self, job_id: str) -> Job:
        """Look at a job."""
        return self._job_of(self._look(job_id))

    def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled; one that has ended is answered as it is."""
        jobs = self._client.supervised_fine_tuning_jobs.with_raw_response
        refusal: ProviderError | None = None
        try:
            self._fetch(lambda: jobs.cancel(job_id, body={}))
        except ProviderError as error:
            if error.kind not in {ErrorKind.BAD_REQUEST, ErrorKind.SERVER}:
                raise
            refusal = error
        job = self.job(job_id)
        if refusal is not None and not job.status.is_terminal:
            raise refusal
        return job

    def events(self, job_id: str) -> list[Entry]:
        """None are kept."""
        del job_id
        return []

    def checkpoints(self, job_id: str) -> list[Entry]:
        """None are offered."""
        del job_id
        return []

    def _metrics_address(self, job_id: str) -> str:
        """Where the job's metrics lie, for a while."""
        address = self._look(job_id).metrics_file_signed_url
        if address is None:
            raise ProviderError(ErrorKind.NOT_FOUND, f"{job_id} has no metrics file")
        return address

    def _look(self, job_id: str) -> JobDocument:
        jobs = self._client.supervised_fine_tuning_jobs.with_raw_response
        return self._read(JobDocument, lambda: jobs.get(job_id))

    def _bought_before(self, purchase: str) -> Job:
        return replace(self.job(id_for(purchase)), purchase=purchase)

    def _order(self, spec: JobSpec) -> dict[str, Any]:
        """The arguments that are set; what Fireworks has no place for, such as a seed, is not."""
        name = partial(full_name, self._options.account_id)
        order: dict[str, Any] = {
            "base_model": spec.model,
            "dataset": name("datasets", dataset_of(spec.training_file)),
        }
        if spec.validation_file:
            order["evaluation_dataset"] = name("datasets", dataset_of(spec.validation_file))
        if spec.purchase is not None:
            order["supervised_fine_tuning_job_id"] = id_for(spec.purchase)
            order["display_name"] = spec.purchase
        if spec.suffix and self._capabilities.suffix_length:
            suffix = spec.suffix[: self._capabilities.suffix_length]
            order["output_model"] = name("models", _model_id(suffix, spec.purchase))
        knobs = spec.method.supervised.hyperparameters.model_dump(exclude_none=True)
        given = {_KNOBS[knob]: value for knob, value in knobs.items() if knob in _KNOBS}
        return order | {knob: value for knob, value in given.items() if value != "auto"}

    def _listing(self) -> Iterator[list[Entry]]:
        jobs = self._client.supervised_fine_tuning_jobs.with_raw_response

        def page(token: str | Omit) -> Any:
            return jobs.list(page_size=PAGE, order_by="create_time desc", page_token=token)

        return self._pages("supervisedFineTuningJobs", page)

    def _readable(self, entry: Entry) -> Job | None:
        """The job; none where it is told in a way that cannot be read, as a foreign one may be."""
        try:
            return self._read_job(entry)
        except ProviderError as error:
            log.warning("a job in the listing is left out: %s: %s", entry.get("name"), error)
            return None

    def _read_job(self, entry: Entry) -> Job:
        return self._job_of(read_answer(JobDocument, entry))

    def _job_of(self, document: JobDocument) -> Job:
        return document.to_job(self._options.account_id)


def _is_ours(entry: Entry) -> bool:
    name, purchase = entry.get("name"), entry.get("displayName")
    both = isinstance(name, str) and isinstance(purchase, str)
    return both and id_for(str(purchase)) == last_part(str(name))


def _model_id(suffix: str, purchase: str | None) -> str:
    """The suffix as far as an id may hold it, and what makes it the only one of its kind."""
    words = re.sub(r"[^a-z0-9]+", "-", suffix.lower()).strip("-")
    only = secrets.token_hex(6) if purchase is None else id_for(purchase)[-12:]
    return f"ft-{words}-{only}" if words else f"ft-{only}"

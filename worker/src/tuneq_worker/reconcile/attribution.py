"""Whose a job is that does not say so itself: as the runs here know it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import is_terminal
from tuneq_shared.domain.record import Record, load
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload, upload_id
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_worker.ports.provider import Job
from tuneq_worker.reconcile.comparison import loaded_run
from tuneq_worker.reconcile.standing import PurchaseName, read_purchase

log = logging.getLogger(__name__)

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Attribution:
    """Purchases by the jobs that runs follow or may have, and by training files of their own.

    A file of a run's own that another request names tells nothing any more.
    """

    by_job: Mapping[str, PurchaseName]
    by_file: Mapping[str, PurchaseName]

    def purchase_of(self, job: Job) -> PurchaseName | None:
        """What the job bears, or else is known to be; none where that cannot be told."""
        told = read_purchase(job.purchase) or self.by_job.get(job.id)
        return told or self.by_file.get(job.training_file or "")


def attribution(account: str, catalogue: Catalogue) -> Attribution:
    """What the runs of an account know, archived ones included.

    Raises:
        TuneqError: this tuneq cannot read a run that is in Redis.
    """
    by_job: dict[str, PurchaseName] = {}
    doubtful: dict[str, PurchaseName] = {}
    by_file: dict[str, PurchaseName] = {}
    named: set[str] = set()
    uploads: dict[ItemId, PurchaseName] = {}
    for run in _runs(account, catalogue):
        named.add(run.request.training_file)
        for job_id in filter(None, (run.chosen, run.job_id)):
            by_job[job_id] = PurchaseName(run.id, run.purchase.n)
        if not is_terminal(Kind.RUN, run.stage):  # else it left them alone, as nobody's
            doubtful |= dict.fromkeys(run.candidates, PurchaseName(run.id, run.purchase.n))
        if run.training_file_id and run.file_purchase is not None:
            by_file[run.training_file_id] = PurchaseName(run.id, run.file_purchase)
        digest = run.prepared.training_digest if run.prepared else ""
        if digest:
            for n in range(run.purchase.n + 1):
                purchase = PurchaseName(run.id, n)
                uploads[upload_id(account, digest, f"{run.id}/{n}")] = purchase
    for record in _read(list(uploads), catalogue):
        file_id = load(record, Upload).file_id
        if file_id:
            by_file[file_id] = uploads[record.item]
    own = {file_id: purchase for file_id, purchase in by_file.items() if file_id not in named}
    return Attribution(doubtful | by_job, own)


def _runs(account: str, catalogue: Catalogue) -> Iterator[Run]:
    ids = [ItemId(Kind.RUN, run) for run in catalogue.run_ids(archived=True)]
    for record in _read(ids, catalogue):
        if record.unreadable:
            # Jobs that nothing else tells are nobody's then, and left alone.
            log.warning("%s", record.unreadable)
            continue
        run = loaded_run(record)
        if run.account == account:
            yield run


def _read(ids: Sequence[ItemId], catalogue: Catalogue) -> Iterator[Record]:
    for start in range(0, len(ids), _CHUNK):
        yield from filter(None, catalogue.read(ids[start : start + _CHUNK]))

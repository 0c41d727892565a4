"""What a run shares with others, who go on with it when the run leaves."""

from collections.abc import Iterator

from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import upload_id
from tuneq_worker.stages.evaluate import specs


def shared_by(run: Run) -> Iterator[ItemId]:
    """Every upload and evaluation that the run may have joined."""
    yield from _uploads(run)
    evaluations = {asked.evaluation for asked in run.asked}
    evaluations.update(spec.fingerprint() for _, spec in specs(run))
    yield from map(Evaluation.item_of, sorted(evaluations))


def _uploads(run: Run) -> Iterator[ItemId]:
    """Shared or its own: which of them may have been joined under another setting."""
    if run.prepared is None:
        return
    training, validation = run.prepared.training_digest, run.prepared.validation_digest
    if training:
        yield upload_id(run.account, training)
        yield upload_id(run.account, training, run.purchase_name)
    if validation:
        yield upload_id(run.account, validation)

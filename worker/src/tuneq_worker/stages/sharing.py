"""What an item shares with others, who go on with it when the item leaves."""

from collections.abc import Iterator

from tuneq_shared.domain.deployment import deployment_id
from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.record import Item
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import upload_id
from tuneq_worker.stages.evaluate import specs


def shared_by(item: Item) -> Iterator[ItemId]:
    """Everything that the item may have joined."""
    match item:
        case Run():
            yield from _uploads(item)
            yield from _evaluations(item)
        case Evaluation():
            yield deployment_id(item.spec.account, item.spec.model)


def _evaluations(run: Run) -> Iterator[ItemId]:
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

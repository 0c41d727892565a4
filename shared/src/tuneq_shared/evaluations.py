"""How an evaluation comes to be, whoever asks for it."""

from collections.abc import Sequence

from tuneq_shared.archive import Archive
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.joining import join_or_bring_back
from tuneq_shared.ports.items import Creation, ItemStore, NewItem


def new_evaluation(spec: EvaluationSpec) -> NewItem:
    """The item of a specification: the same specification is always the same item."""
    fresh = Evaluation(id=spec.fingerprint(), stage=EvaluationStage.PENDING, spec=spec)
    return NewItem(
        item=fresh.item,
        stage=fresh.stage,
        fixed=fixed_part(fresh),
        doc=document(fresh),
        digest=fresh.id,
    )


def join_evaluation(
    items: ItemStore,
    archive: Archive,
    spec: EvaluationSpec,
    subscriber: str,
    revive_from: Sequence[str],
) -> Creation:
    """Share an evaluation: the one in Redis, else the one that was done and archived, else anew."""
    new = new_evaluation(spec)
    return join_or_bring_back(
        items, archive, new, subscriber, revive_from, stage=EvaluationStage.DONE
    )

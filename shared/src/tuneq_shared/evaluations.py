"""How an evaluation comes to be, whoever asks for it."""

from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.items import NewItem


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

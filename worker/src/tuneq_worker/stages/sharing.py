"""Leaving what a run shares with others: the last to leave has it cancelled."""

from tuneq_shared.domain.evaluation import Evaluation
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import upload_id
from tuneq_worker.ports.stage import Ports
from tuneq_worker.stages.evaluate import specs
from tuneq_worker.stages.upload import digests


def leave_shared(run: Run, ports: Ports) -> None:
    """Leave every upload and evaluation that the run may have joined."""
    for digest in digests(run):
        ports.items.leave(upload_id(run.account, digest), str(run.item))
    evaluations = {asked.evaluation for asked in run.asked}
    evaluations.update(spec.fingerprint() for _, spec in specs(run))
    for evaluation in sorted(evaluations):
        ports.items.leave(Evaluation.item_of(evaluation), str(run.item))

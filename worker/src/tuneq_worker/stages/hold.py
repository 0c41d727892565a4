"""Held: wait for an operator, then go back to where the run was."""

from dataclasses import replace

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait

HELD_LOOK_S = 3600.0
"""After which a held run looks whether it was released; a release wakes it at once."""


def held(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Go back if released; else keep waiting, with the reason as it was."""
    del ports
    if lease.asked is Asked.RELEASE:
        back = replace(run, stage=run.held_from or RunStage.PREPARING, held_from=None)
        return Advance(back, "released", answered=Asked.RELEASE)
    waiting = run.waiting or Waiting(WaitKind.OPERATOR, run.id, "held")
    return Wait(run, HELD_LOOK_S, waiting)

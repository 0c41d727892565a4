"""Held: wait for an operator, then go back to where the run was."""

from dataclasses import replace

from tuneq_shared.domain.choice import Choice
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait
from tuneq_worker.stages.candidates import told

HELD_LOOK_S = 3600.0
"""After which a held run looks whether it was released; a release wakes it at once."""


def held(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Go back if released, with what was chosen; else keep waiting, with the reason as it was."""
    del ports
    if lease.asked is Asked.RELEASE:
        decided, event = _decided(run, lease.choice or Choice())
        stage = run.held_from or RunStage.PREPARING
        back = replace(decided, stage=stage, held_from=None, job_since=None)
        return Advance(back, event, answered=Asked.RELEASE)
    waiting = run.waiting or Waiting(WaitKind.OPERATOR, run.id, "held")
    return Wait(run, HELD_LOOK_S, waiting)


def _decided(run: Run, choice: Choice) -> tuple[Run, str]:
    if choice.adopts in run.candidates:
        # To say which job is its own is to say that the others are not.
        others = tuple(job for job in run.candidates if job != choice.adopts)
        disowned = run.disowned + others
        chosen = replace(run, chosen=choice.adopts, disowned=disowned, candidates=())
        return chosen, f"released: its job is {choice.adopts}"
    if choice.adopts:
        return run, f"released to look again: {choice.adopts} is no candidate any more"
    if choice.disowns:
        disowned = tuple(dict.fromkeys(run.disowned + choice.disowns))
        left = tuple(job for job in run.candidates if job not in disowned)
        decided = replace(run, disowned=disowned, candidates=left)
        return decided, f"released: not its: {told(choice.disowns)}"
    return run, "released"

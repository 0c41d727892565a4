"""Submitted: is there a worker that can do this at all?"""

from dataclasses import replace

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult


def accept(run: Run, ports: Ports, lease: Lease[Run]) -> StageResult[Run]:
    """Go on where the account's key is here; else the run sleeps on the account."""
    del lease
    ports.accounts.provider(run.account)
    return Advance(replace(run, stage=RunStage.PREPARING))

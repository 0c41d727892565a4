"""What an unfinished item waits for, as shown to people and scripts."""

from dataclasses import dataclass
from enum import StrEnum


class WaitKind(StrEnum):
    """What a run can wait for."""

    SLOT = "slot"
    ACCOUNT = "account"
    JOB = "job"
    UPLOAD = "upload"
    EVALUATION = "evaluation"
    DEPLOYMENT = "deployment"
    RETRY = "retry"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is waited for, on what, and why. The position is that in the line for a slot."""

    kind: WaitKind
    on: str
    reason: str
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands in the line for a slot, and what keeps it there."""

    position: int  # from 1
    active: int  # slots taken, and the active jobs that no slot stands for
    cap: int  # as configured, or learnt where that is less
    others: int  # of the active: those that no slot stands for

    @property
    def reason(self) -> str:
        """What keeps it there, in words."""
        others = f" ({self.others} not ours)" if self.others else ""
        return f"{self.active} of {self.cap} active{others}"

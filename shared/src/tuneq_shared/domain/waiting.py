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
    RETRY = "retry"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is waited for, on what, and why. The position is that in the line for a slot."""

    kind: WaitKind
    on: str
    reason: str
    position: int | None = None

"""What to do about an error: a pure decision."""

from dataclasses import dataclass
from enum import StrEnum

from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_worker.ports.provider import ProviderError

_FIRST_BACKOFF_S = 1.0
_LONGEST_BACKOFF_S = 300.0
_RATE_BACKOFF_S = 5.0
_SOON_S = 5.0
_MAX_ATTEMPTS = 30  # with the backoff above: two hours of trying
_PATIENT_STEPS = 6  # by then the backoff is at its longest
_DAY_LOOK_S = 3600.0  # between two tries where the provider does not say when its day ends

_FINAL = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.MODERATION, ErrorKind.NOT_FOUND})
_PATIENT = frozenset({ErrorKind.RATE, ErrorKind.CAPACITY})
_SOON = frozenset({ErrorKind.COLD, ErrorKind.NOT_READY})


class Verdict(StrEnum):
    """What an error asks for."""

    RETRY = "retry"
    GIVE_UP = "give_up"
    STOP_ACCOUNT = "stop_account"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the delay before the next try."""

    verdict: Verdict
    delay_s: float = 0.0
    counts: bool = True  # whether the try counts as failed
    worn_out: bool = False  # given up for the number of tries, not for what was answered


def decide(error: ProviderError, attempts: int) -> Decision:
    """What to do after `attempts` failed tries in a row before this one."""
    if error.kind in STOPS_ACCOUNT:
        unsaid = _DAY_LOOK_S if error.kind is ErrorKind.DAILY else 0.0
        return Decision(Verdict.STOP_ACCOUNT, error.retry_after_s or unsaid)
    delay_s = error.retry_after_s or backoff_s(error.kind, attempts)
    if error.kind in _PATIENT:
        # A wait that the provider asks for is no failed try: it counts for the backoff alone.
        return Decision(Verdict.RETRY, delay_s, counts=attempts < _PATIENT_STEPS)
    if error.kind in _FINAL or attempts >= _MAX_ATTEMPTS:
        return Decision(Verdict.GIVE_UP, worn_out=error.kind not in _FINAL)
    return Decision(Verdict.RETRY, delay_s)


def backoff_s(kind: ErrorKind, attempts: int) -> float:
    """Seconds to wait where the provider does not say."""
    if kind in _SOON:
        return _SOON_S
    first = _RATE_BACKOFF_S if kind in _PATIENT else _FIRST_BACKOFF_S
    return float(min(_LONGEST_BACKOFF_S, first * 2 ** min(attempts, 16)))

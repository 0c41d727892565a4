"""From an error to a stage's answer: retry, give up, or stop the account."""

from dataclasses import replace

from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.record import ItemT
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_worker.marks import stop_mark
from tuneq_worker.policy import Verdict, decide
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Fail, Sleep, StageResult, Wait

PURCHASE = "post"
"""What failed purchases are counted under."""


def recover(item: ItemT, account: str, error: ProviderError, what: str = "") -> StageResult[ItemT]:
    """What an item does about an error of its account's provider, met while it did `what`."""
    decision = decide(error, attempts(item, what))
    match decision.verdict:
        case Verdict.STOP_ACCOUNT:
            reason = f"{error.code}: {error.message}"
            waiting = Waiting(WaitKind.ACCOUNT, account, reason)
            return Sleep(item, account_id(account), waiting, stop_mark(error, decision.delay_s))
        case Verdict.GIVE_UP:
            tries = f" (account {account!r}, {attempts(item, what) + 1} tries in a row)"
            words = error.message + (tries if decision.worn_out else "")
            return Fail(item, Failure(error.code, words, item.stage))
        case Verdict.RETRY:
            waiting = Waiting(WaitKind.RETRY, account, f"{error.code}: {error.message}")
            tried = with_attempt(item, what) if decision.counts else item
            return Wait(tried, decision.delay_s, waiting)


def attempts(item: ItemT, what: str = "") -> int:
    """Failed tries in a row: of one thing that a run's stage does, or of all that others do."""
    if isinstance(item, Run):
        return item.attempts.get(what or item.stage, 0)
    return item.attempts


def with_attempt(item: ItemT, what: str = "") -> ItemT:
    """The item after one more failed try."""
    if isinstance(item, Run):
        tries = {**item.attempts, what or item.stage: attempts(item, what) + 1}
        return replace(item, attempts=tries)
    return replace(item, attempts=item.attempts + 1)


def looked(run: Run) -> Run:
    """The run after its stage has looked without an error: the row of failed looks is over."""
    return replace(run, attempts={w: n for w, n in run.attempts.items() if w != run.stage})


def rested(run: Run) -> Run:
    """The run after a step without an error: every row of errors is over but that of purchases."""
    return replace(run, attempts={w: n for w, n in run.attempts.items() if w == PURCHASE})

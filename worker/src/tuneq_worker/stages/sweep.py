"""The account's own stages: one look at all its active jobs, and standing still when refused."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import AccountStage
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.ports.items import Asked
from tuneq_worker.marks import (
    KEY_MARK,
    STOPPED_MARK,
    Stop,
    job_mark,
    read_job_mark,
    read_stop_mark,
)
from tuneq_worker.policy import Verdict, backoff_s, decide
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import with_attempt

log = logging.getLogger(__name__)


def sweep(
    account: AccountState, ports: Ports, lease: Lease[AccountState]
) -> StageResult[AccountState]:
    """Wake the runs whose job changed; stop if one of them met a refusal of the whole account."""
    marks = ports.items.parked_on(account.item)
    for mark in marks.values():
        stop = read_stop_mark(mark)
        if stop is not None:
            return _stop(account, stop, lease)
    interval = _interval(account, ports)
    try:
        provider = ports.accounts.provider(account.id)
    except ConfigurationError:
        return Wait(account, interval)  # another worker may have the key
    # One that was woken by a release, but looked before it was committed, has parked once more.
    now_possible = {KEY_MARK, STOPPED_MARK}
    ports.items.wake([item for item, mark in marks.items() if mark in now_possible])
    try:
        changed = _changed(marks, provider)
    except ProviderError as error:
        return _troubled(account, error, interval, lease)
    ports.items.wake(changed)
    return Wait(replace(account, attempts=0, failure=None), interval)


def stopped(
    account: AccountState, ports: Ports, lease: Lease[AccountState]
) -> StageResult[AccountState]:
    """Let all go on together when an operator says so, or when the refusal has run out.

    Jobs end meanwhile all the same, and a run that is being cancelled waits for nothing else.
    """
    over = account.stopped_until is not None and lease.now >= account.stopped_until
    marks = ports.items.parked_on(account.item)
    if lease.asked is Asked.RELEASE or over:
        ports.items.wake(marks)
        active = AccountState(id=account.id, stage=AccountStage.ACTIVE)
        return Advance(active, answered=Asked.RELEASE)
    if account.refused_for_good:
        ports.items.wake([item for item, mark in marks.items() if _met_a_refusal(mark)])
    try:
        ports.items.wake(_changed(marks, ports.accounts.provider(account.id)))
    except (ProviderError, ConfigurationError) as error:
        log.info("the jobs of stopped account %s cannot be seen: %s", account.id, error)
    return Wait(account, _interval(account, ports))


def _met_a_refusal(mark: str) -> bool:
    """Whether it fell asleep before the account was stopped, and so has not heard why."""
    return mark == KEY_MARK or read_stop_mark(mark) is not None


def _changed(marks: Mapping[ItemId, str], provider: Provider) -> list[ItemId]:
    seen = {item: job_id for item, mark in marks.items() if (job_id := read_job_mark(mark))}
    if not seen:
        return []
    now = {job.id: job for job in provider.sweep(list(seen.values()))}
    return [
        item
        for item, job_id in seen.items()
        if job_id not in now or job_mark(now[job_id]) != marks[item]
    ]


def _troubled(
    account: AccountState, error: ProviderError, interval: float, lease: Lease[AccountState]
) -> StageResult[AccountState]:
    decision = decide(error, account.attempts)
    if decision.verdict is Verdict.STOP_ACCOUNT:
        return _stop(account, Stop(decision.delay_s, error.kind, error.code, error.message), lease)
    # Jobs go on at the provider whatever happens here, so a sweep is never given up.
    delay = max(interval, error.retry_after_s or backoff_s(error.kind, account.attempts))
    log.warning("account %s: no news of its jobs: %s", account.id, error)
    troubled = replace(account, failure=Failure(error.code, error.message))
    return Wait(with_attempt(troubled), delay)


def _stop(
    account: AccountState, stop: Stop, lease: Lease[AccountState]
) -> StageResult[AccountState]:
    until = lease.now + stop.for_s if stop.for_s else None
    failure = Failure(stop.code, stop.message)
    return Advance(
        replace(
            account,
            stage=AccountStage.STOPPED,
            failure=failure,
            refused_for_good=stop.kind is ErrorKind.UNAVAILABLE,
            stopped_until=until,
        ),
        answered=Asked.RELEASE,  # what was asked before is no answer to this refusal
    )


def _interval(account: AccountState, ports: Ports) -> float:
    configured = ports.settings.accounts.get(account.id)
    return configured.limits.poll_interval_s if configured else 30.0

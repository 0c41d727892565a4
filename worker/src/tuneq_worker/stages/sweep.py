"""The account's own stages: one look at all its active jobs, and standing still when refused."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.failure import ErrorKind, Failure
from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.ports.items import Asked
from tuneq_worker.deadlines import deadlines_of, is_silent, job_limit
from tuneq_worker.marks import (
    KEY_MARK,
    STOPPED_MARK,
    JobMark,
    Stop,
    read_job_mark,
    read_stop_mark,
)
from tuneq_worker.patience import patience_s
from tuneq_worker.policy import Verdict, backoff_s, decide
from tuneq_worker.ports.provider import Job, ProviderError
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import with_attempt
from tuneq_worker.stages.census import count_active, look_at_jobs

log = logging.getLogger(__name__)


def sweep(
    account: AccountState, ports: Ports, lease: Lease[AccountState]
) -> StageResult[AccountState]:
    """Wake the runs whose job changed, or has stood still for too long.

    Stop if one of them met a refusal of the whole account. The provider is not asked each time,
    where all jobs have stood as they do for long.
    """
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
    watched, now = _watched(marks), lease.now
    if not _needs_look(account, watched, ports, lease, interval):
        ports.items.wake(_overdue(account, watched, ports, now))
        return Wait(account, interval)
    try:
        look = look_at_jobs(account.id, watched, provider, ports, interval_s=interval, now=now)
    except ProviderError as error:
        return _troubled(account, error, watched, ports, lease)
    if look is None:
        return Wait(account, interval)  # nothing was asked: where there was no news, there is none
    # First, for whoever has a result need not wait for the count.
    ports.items.wake([*_changed(watched, look.jobs), *_overdue(account, watched, ports, now)])
    count_active(account.id, watched, look, ports, interval)
    again = replace(account, look_at=now + look.again_s, wakes=lease.wakes)
    heard = replace(again, attempts=0, failure=None, failing_since=None, silent_s=0.0)
    return Wait(heard, interval)


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
        provider = ports.accounts.provider(account.id)
        if watched := _watched(marks):
            jobs = provider.sweep([mark.job_id for mark in watched.values()])
            # A cancel that does not end is told of now: it is no business of the refusal.
            cancelling = {i: m for i, m in watched.items() if m.stage == RunStage.CANCELLING}
            overdue = _overdue(account, cancelling, ports, lease.now)
            ports.items.wake([*_changed(watched, jobs), *overdue])
    except (ProviderError, ConfigurationError) as error:
        log.info("the jobs of stopped account %s cannot be seen: %s", account.id, error)
    return Wait(account, _interval(account, ports))


def _met_a_refusal(mark: str) -> bool:
    """Whether it fell asleep before the account was stopped, and so has not heard why."""
    return mark == KEY_MARK or read_stop_mark(mark) is not None


def _watched(marks: Mapping[ItemId, str]) -> dict[ItemId, JobMark]:
    """The runs that sleep until their job changes."""
    return {item: job for item, mark in marks.items() if (job := read_job_mark(mark))}


def _needs_look(
    account: AccountState,
    watched: Mapping[ItemId, JobMark],
    ports: Ports,
    lease: Lease[AccountState],
    interval_s: float,
) -> bool:
    """Whether the time has come, or something that the last look did not know of asks for it."""
    if lease.now >= account.look_at or lease.wakes != account.wakes:
        return True
    youngest = max((mark.since for mark in watched.values()), default=0.0)
    is_young = patience_s(lease.now, youngest, None, interval_s) <= interval_s
    return is_young or ports.slots.in_line(account.id) > 0


def _changed(watched: Mapping[ItemId, JobMark], jobs: Iterable[Job]) -> list[ItemId]:
    now = {job.id: job for job in jobs}
    return [
        item
        for item, mark in watched.items()
        if mark.job_id not in now or not mark.shows(now[mark.job_id])
    ]


def _overdue(
    account: AccountState, watched: Mapping[ItemId, JobMark], ports: Ports, now: float
) -> list[ItemId]:
    deadlines = deadlines_of(account.id, ports.settings)
    return [
        item
        for item, mark in watched.items()
        if now - mark.since >= job_limit(mark.stage, mark.status, deadlines)[1]
    ]


def _troubled(
    account: AccountState,
    error: ProviderError,
    watched: Mapping[ItemId, JobMark],
    ports: Ports,
    lease: Lease[AccountState],
) -> StageResult[AccountState]:
    decision = decide(error, account.attempts)
    if decision.verdict is Verdict.STOP_ACCOUNT:
        return _stop(account, Stop(decision.delay_s, error.kind, error.code, error.message), lease)
    log.warning("account %s: no news of its jobs: %s", account.id, error)
    deadlines = deadlines_of(account.id, ports.settings)
    # Their runs are held. The sweep itself is never given up, for jobs go on all the same.
    silent = [i for i, m in watched.items() if is_silent(account, m.since, deadlines, lease.now)]
    ports.items.wake(silent)
    asked = error.retry_after_s or backoff_s(error.kind, account.attempts)
    delay = max(_interval(account, ports), asked)
    troubled = replace(
        account,
        failure=Failure(error.code, error.message),
        failing_since=lease.now if account.failing_since is None else account.failing_since,
        silent_s=account.silent_s + delay,
        look_at=0.0,
    )
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
            failing_since=None,  # a refusal is news
            silent_s=0.0,
            refused_for_good=stop.kind is ErrorKind.UNAVAILABLE,
            stopped_until=until,
        ),
        answered=Asked.RELEASE,  # what was asked before is no answer to this refusal
    )


def _interval(account: AccountState, ports: Ports) -> float:
    configured = ports.settings.accounts.get(account.id)
    return configured.limits.poll_interval_s if configured else 30.0

"""Looking at an account's jobs, and counting the active ones: slots are what the list says."""

from collections.abc import Mapping
from dataclasses import dataclass

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.slots import ActiveJob
from tuneq_worker.marks import JobMark
from tuneq_worker.patience import patience_s
from tuneq_worker.ports.provider import Job, Provider
from tuneq_worker.ports.stage import Ports

_MORE_LOOKS = 2  # may fail


@dataclass(frozen=True, slots=True)
class Look:
    """What an account was seen to run."""

    jobs: list[Job]  # those of the runs here, and of others
    again_s: float  # from the instant of the look until the runs' jobs need the next one
    counts: bool  # whether the active ones of others are among them


def look_at_jobs(
    account: str,
    ours: Mapping[ItemId, JobMark],
    provider: Provider,
    ports: Ports,
    *,
    interval_s: float,
    now: float,
) -> Look | None:
    """The present state of the runs' jobs, and of others where anybody has or wants a slot.

    Jobs of others that were seen once are followed until they end, however old they are by then.

    Returns:
        The look; none where there was nothing to ask.

    Raises:
        ProviderError: the provider gave no answer.
    """
    watched = ports.slots.watched(account)
    to_follow = list(dict.fromkeys([*(mark.job_id for mark in ours.values()), *(watched or ())]))
    if watched is None and not to_follow:
        return None
    jobs = provider.sweep(to_follow, others=watched is not None)
    return Look(jobs, _patience_s(ours, jobs, interval_s, now), watched is not None)


def count_active(
    account: str, ours: Mapping[ItemId, JobMark], look: Look, ports: Ports, interval_s: float
) -> None:
    """Count what the account was seen to run.

    It holds until the next looks have failed and a worker that died in one of them is replaced.
    """
    if not look.counts:
        return
    whose = {mark.job_id: item for item, mark in ours.items()}
    active = [
        ActiveJob(job.id, job.model, whose.get(job.id) or _buyer(job))
        for job in look.jobs
        if job.status.is_active
    ]
    for_s = look.again_s + _MORE_LOOKS * interval_s + ports.settings.lease_s
    ports.slots.observe(account, active, for_s)


def _patience_s(
    ours: Mapping[ItemId, JobMark], jobs: list[Job], interval_s: float, now: float
) -> float:
    seen = {job.id: job for job in jobs}

    def need_s(mark: JobMark) -> float:
        job = seen.get(mark.job_id)
        if job is None or not mark.shows(job):
            return interval_s  # its run is to see for itself, and may not see it yet
        return patience_s(now, mark.since, job.estimated_finish, interval_s)

    return min(map(need_s, ours.values()), default=interval_s)


def _buyer(job: Job) -> ItemId | None:
    """Who bought it, as far as it says: also before the run has noted it, or after it forgot."""
    run, slash, _ = (job.purchase or "").rpartition("/")
    return ItemId(Kind.RUN, run) if slash and run else None

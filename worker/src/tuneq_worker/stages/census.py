"""Counting an account's active jobs, so that its slots are what the provider's list says."""

from collections.abc import Mapping

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.ports.slots import ActiveJob
from tuneq_worker.marks import JobMark
from tuneq_worker.ports.provider import Job, Provider
from tuneq_worker.ports.stage import Ports

_KEPT_LOOKS = 3


def look_at_jobs(
    account: str,
    ours: Mapping[ItemId, JobMark],
    provider: Provider,
    ports: Ports,
    interval_s: float,
) -> list[Job] | None:
    """The present state of the runs' jobs; with it all that the account is seen to run is counted.

    Jobs of others that were seen once are followed until they end, however old they are by then.
    Where no run has a job or waits for a slot, nothing is counted. What was counted holds until the
    next looks have failed and a worker that died in one of them is replaced.

    Returns:
        The jobs of these runs and of others; none where there was nothing to ask.

    Raises:
        ProviderError: the provider gave no answer; nothing was counted.
    """
    ids = [mark.job_id for mark in ours.values()]
    watched = ports.slots.watched(account)
    if watched is None:
        return provider.sweep(ids) if ids else None
    jobs = provider.sweep(list(dict.fromkeys([*ids, *watched])), others=True)
    whose = dict(zip(ids, ours, strict=True))
    active = [
        ActiveJob(job.id, job.model, whose.get(job.id) or _buyer(job))
        for job in jobs
        if job.status.is_active
    ]
    ports.slots.observe(account, active, _KEPT_LOOKS * interval_s + ports.settings.lease_s)
    return jobs


def _buyer(job: Job) -> ItemId | None:
    """Who bought it, as far as it says: also before the run has noted it, or after it forgot."""
    run, slash, _ = (job.purchase or "").rpartition("/")
    return ItemId(Kind.RUN, run) if slash and run else None

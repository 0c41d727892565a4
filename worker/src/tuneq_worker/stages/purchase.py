"""How a purchase is told from others at the provider, and found again."""

from tuneq_shared.domain.run import Run
from tuneq_shared.settings import Settings
from tuneq_worker.ports.provider import Job
from tuneq_worker.ports.stage import Ports
from tuneq_worker.stages.candidates import follower


def keeps_metadata(run: Run, settings: Settings) -> bool:
    """Whether its account's jobs bear their purchase."""
    return settings.account(run.account)[1].capabilities.metadata


def has_own_file(run: Run) -> bool:
    """Whether its training file was uploaded for the present purchase, and so tells its job."""
    return run.file_purchase == run.purchase.n


def lacks_own_file(run: Run, settings: Settings) -> bool:
    """Whether nothing but a training file of its own would tell its job, and it can have one."""
    ours = run.prepared is not None and bool(run.prepared.training_digest)
    return ours and not keeps_metadata(run, settings) and not has_own_file(run)


def is_unmarked(run: Run, settings: Settings) -> bool:
    """Whether nothing tells its job from others on the same file, which others may use."""
    return not keeps_metadata(run, settings) and not has_own_file(run)


def find_purchase(run: Run, ports: Ports) -> list[Job]:
    """The jobs that are known to be of the run's present purchase, but for those it disowns.

    The first look goes back to its own file's time, or else to the end of the listing: after a
    loss of Redis the run is made anew, and its job may be older than the run. A look for an answer
    that was lost need not go so far, and would not find again what such a first look has found.
    """
    provider = ports.accounts.provider(run.account)
    name, file_id, since = run.purchase_name, run.training_file_id or "", _since(run)
    if has_own_file(run):
        # What a job says of itself counts more than its file, which another request may name.
        jobs = [
            job
            for job in provider.find_jobs_on(file_id, since)
            if job.purchase == name
            or (job.purchase is None and follower(run, job.id, ports) is None)
        ]
    elif keeps_metadata(run, ports.settings):
        jobs = provider.find_jobs(name, since)
    else:
        jobs = [j for j in provider.find_jobs_on(file_id, since) if j.purchase == name]
    return [job for job in jobs if job.id not in run.disowned]


def _since(run: Run) -> float | None:
    """The latest instant that no job of the purchase is older than, as far as is known."""
    found_before = run.purchase.intent_at is None or run.candidates
    known = [
        None if found_before else run.created_at,
        run.file_since if has_own_file(run) else None,
    ]
    return max((instant for instant in known if instant is not None), default=None)

"""When something at the provider has stood still for too long, and what is said of it then."""

from datetime import UTC, datetime

from tuneq_shared.deadlines import Deadlines
from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.deployment import Deployment
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.domain.upload import Upload
from tuneq_shared.settings import Settings
from tuneq_worker.ports.deployments import RemoteDeployment
from tuneq_worker.ports.provider import Job, JobStatus

_WORKED_ON = frozenset({JobStatus.RUNNING, JobStatus.FINALIZING})
_CHOICE = "`tuneq release` waits as long again, `tuneq cancel` cancels the job"
_ASKED_AGAIN = "it was to be cancelled, and is asked to be again within the hour"


def deadlines_of(account: str, settings: Settings) -> Deadlines:
    """The account's deadlines; those by default where it is not configured here."""
    configured = settings.accounts.get(account)
    return configured.deadlines if configured else Deadlines()


def job_limit(stage: str, status: str, deadlines: Deadlines) -> tuple[str, float]:
    """For how many seconds a job may have this status while its run is in this stage.

    The name of what is told after that comes first.
    """
    if stage == RunStage.CANCELLING:
        return "job_not_cancelled", deadlines.cancel_s
    if status in _WORKED_ON:
        return "job_not_ended", deadlines.training_s
    return "job_not_running", deadlines.start_s


def stuck_job(run: Run, job: Job, deadlines: Deadlines, now: float) -> str:
    """Why the run is to be held for its job, which has just been looked at; empty if it is not."""
    since = now if run.job_since is None else run.job_since
    code, limit_s = job_limit(run.stage, job.status, deadlines)
    if now - since < limit_s:
        return ""
    return f"{code}: {job.id} is {seen(job.raw_status, since)}; {_what_next(run)}"


def is_silent(account: AccountState, since: float, deadlines: Deadlines, now: float) -> bool:
    """Whether there is no news for too long of a job that was heard of at the instant `since`."""
    if account.failing_since is None:
        return False
    silence_s = min(account.silent_s, now - max(account.failing_since, since))
    return silence_s >= deadlines.silence_s


def silent_account(run: Run, account: AccountState, deadlines: Deadlines, now: float) -> str:
    """Why the run is to be held for its account's silence; empty if it is not."""
    if run.job_since is None or not is_silent(account, run.job_since, deadlines, now):
        return ""
    since = instant(account.failing_since or now)
    error = f" ({account.failure.code}: {account.failure.message})" if account.failure else ""
    return (
        f"provider_silent: account {account.id!r} has told nothing of {run.job_id} since "
        f"{since}{error}; then it was {run.job_status}; {_what_next(run)}"
    )


def stuck_file(upload: Upload, since: float, deadlines: Deadlines, now: float) -> Failure | None:
    """Why an upload fails whose file is still being processed; none while there is time."""
    if now - since < deadlines.file_s:
        return None
    words = (
        f"account {upload.account!r} has been processing {upload.file_id} since {instant(since)}"
    )
    return Failure("file_not_processed", words)


def stuck_deployment(
    deployment: Deployment, found: RemoteDeployment, deadlines: Deadlines, now: float
) -> Failure | None:
    """Why a deployment fails that does not become ready; none while there is time."""
    if deployment.asked_at is None or now - deployment.asked_at < deadlines.deployment_s:
        return None
    words = f"{found.id} is {found.raw_state}, asked for at {instant(deployment.asked_at)}"
    return Failure("deployment_not_ready", words)


def seen(status: str, since: float) -> str:
    """A job's status, and since when it is known to have it."""
    return f"{status}, at least since {instant(since)}"


def instant(seconds: float) -> str:
    """A Redis time as people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _what_next(run: Run) -> str:
    return _ASKED_AGAIN if run.stage is RunStage.CANCELLING else _CHOICE

"""How long an account may keep something waiting before somebody is told."""

from pydantic import BaseModel, ConfigDict, Field


class Deadlines(BaseModel):
    """Seconds, each more than none; `inf` waits for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file_s: float = Field(default=3600.0, gt=0)
    """For which a file that was sent may be processed; then its upload fails."""
    deployment_s: float = Field(default=7200.0, gt=0)
    """For which a deployed model may not answer yet; then it is removed, and evaluations fail."""
    start_s: float = Field(default=86_400.0, gt=0)
    """For which a job may have one status before it runs: then its run is held."""
    training_s: float = Field(default=7 * 86_400.0, gt=0)
    """For which a job may run: then its run is held."""
    cancel_s: float = Field(default=3600.0, gt=0)
    """For which a job may go on after it was to be cancelled: then its run is held."""
    silence_s: float = Field(default=86_400.0, gt=0)
    """For which there may be no news of the account's jobs: then their runs are held."""

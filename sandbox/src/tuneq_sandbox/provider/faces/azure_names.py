"""Azure's names of tuned models, and which of the engine's they mean."""

from tuneq_sandbox.provider.job import Job

_TUNED = ".ft-"
_CHECKPOINT = ":ckpt-"
_JOB = "ftjob-"


def shown_model(name: str | None, job_id: str) -> str | None:
    """A tuned model of the engine as Azure would name it: `<base>.ft-<job>[:ckpt-...]`."""
    if name is None:
        return None
    base, checkpoint = name.split(":")[1], name.partition(_CHECKPOINT)
    return f"{base}{_TUNED}{job_id.removeprefix(_JOB)}{''.join(checkpoint[1:])}"


def job_of(name: str) -> str | None:
    """The job that made a model of that name; none is a base model's."""
    _, tuned, rest = name.partition(_TUNED)
    return _JOB + rest.partition(_CHECKPOINT)[0] if tuned else None


def engine_name(name: str, job: Job) -> str:
    """The engine's name of a model that the job made."""
    return job.model_name + "".join(name.partition(_CHECKPOINT)[1:])

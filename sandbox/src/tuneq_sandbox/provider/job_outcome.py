"""From a saved training to what the provider shows of it: events, models, metrics."""

from collections.abc import Iterator, Sequence

from tuneq_sandbox.learner.saving import CheckpointMetrics, TrainingMetrics
from tuneq_sandbox.learner.training import Step
from tuneq_sandbox.provider.job import Job
from tuneq_sandbox.provider.job_records import Event, TunedModel


def step_events(steps: Sequence[Step], start: float, end: float) -> Iterator[Event]:
    """One metrics event a step, spread evenly over the time of training."""
    for step in steps:
        message = f"Step {step.number}/{len(steps)}: training loss={step.train_loss:.2f}"
        if step.valid_loss is not None:
            message += f", validation loss={step.valid_loss:.2f}"
        metrics = {"step": step.number, "total_steps": len(steps), **_step_metrics(step)}
        yield Event(
            created_at=start + (end - start) * step.number / len(steps),
            message=message,
            type="metrics",
            data={name: value for name, value in metrics.items() if value is not None},
        )


def tuned_models(job: Job, training: str, metrics: TrainingMetrics, now: float) -> list[TunedModel]:
    """The final model under the job's name, and the checkpoints before it."""
    models = []
    for number, checkpoint in enumerate(metrics.checkpoints):
        final = number == len(metrics.checkpoints) - 1
        suffix = "" if final else f":ckpt-step-{checkpoint.step.number}"
        models.append(
            TunedModel(
                name=job.model_name + suffix,
                job=job.id,
                created_at=now,
                training=training,
                checkpoint=number,
                final=final,
                step=checkpoint.step.number,
                metrics=_checkpoint_metrics(checkpoint),
            )
        )
    return models


def success_events(job: Job, models: Sequence[TunedModel], now: float) -> list[Event]:
    """The last lines of a job's story."""
    made = [
        Event(
            created_at=now,
            message=f"Checkpoint created at step {model.step}: {model.name}",
        )
        for model in models
        if not model.final
    ]
    return [
        *made,
        Event(created_at=now, message=f"New fine-tuned model created: {job.model_name}"),
        Event(created_at=now, message="The job has successfully completed"),
    ]


def _step_metrics(step: Step) -> dict[str, float | None]:
    return {
        "train_loss": step.train_loss,
        "train_mean_token_accuracy": step.train_accuracy,
        "valid_loss": step.valid_loss,
        "valid_mean_token_accuracy": step.valid_accuracy,
    }


def _checkpoint_metrics(checkpoint: CheckpointMetrics) -> dict[str, float | None]:
    return {
        **_step_metrics(checkpoint.step),
        "full_valid_loss": checkpoint.full_valid_loss,
        "full_valid_mean_token_accuracy": checkpoint.full_valid_accuracy,
    }

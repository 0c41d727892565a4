"""From the hyperparameters asked for to the ones that are used."""

from tuneq_sandbox.learner.training import Plan, choose_batch_size
from tuneq_sandbox.provider.job import Hyperparameters, Job
from tuneq_sandbox.provider.training_file import FileReport

DEFAULT_EPOCHS = 3


def choose_hyperparameters(asked: Hyperparameters, report: FileReport) -> Hyperparameters:
    """Put a number in the place of every `auto`."""
    multiplier = asked.learning_rate_multiplier
    size = asked.batch_size
    return Hyperparameters(
        n_epochs=DEFAULT_EPOCHS if asked.n_epochs == "auto" else asked.n_epochs,
        batch_size=choose_batch_size(report.examples) if size == "auto" else size,
        learning_rate_multiplier=1.0 if multiplier == "auto" else multiplier,
    )


def plan_of(chosen: Hyperparameters, seed: int) -> Plan:
    """The learner's plan.

    Raises:
        ValueError: something is still `auto`.
    """
    if (
        chosen.n_epochs == "auto"
        or chosen.batch_size == "auto"
        or chosen.learning_rate_multiplier == "auto"
    ):
        raise ValueError(f"the hyperparameters are not chosen yet: {chosen}")
    return Plan(
        n_epochs=chosen.n_epochs,
        batch_size=chosen.batch_size,
        learning_rate_multiplier=chosen.learning_rate_multiplier,
        seed=seed,
    )


def order_facts(job: Job, plan: Plan) -> tuple[object, ...]:
    """All that the weights depend on: equal facts give equal weights."""
    return (
        job.training_sha256,
        job.validation_sha256,
        plan.n_epochs,
        plan.batch_size,
        plan.learning_rate_multiplier,
        plan.seed,
    )

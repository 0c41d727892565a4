"""What a job costs, before and after."""

from tuneq_shared.data.tokens import ASSUMED_EPOCHS, training_cost_usd
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.run import Prepared, Run
from tuneq_shared.prices import price_of_training
from tuneq_shared.settings import Price
from tuneq_worker.ports.stage import Ports


def price_of(run: Run, ports: Ports) -> Price | None:
    """The configured price of training on the run's base model."""
    _, account = ports.settings.account(run.account)
    return price_of_training(run.request.model, account.prices)


def training_cost(run: Run, prepared: Prepared, ports: Ports) -> float | None:
    """USD for training, estimated; none where the price is not configured."""
    price = price_of(run, ports)
    if price is None:
        return None
    epochs = run.request.method.hyperparameters.n_epochs
    times = epochs if isinstance(epochs, int) else ASSUMED_EPOCHS
    return training_cost_usd(prepared.tokens, epochs=times, usd_per_million=price.training)


def billed_cost(run: Run, ports: Ports) -> float | None:
    """USD for the tokens that the provider says it trained, all epochs included."""
    price = price_of(run, ports)
    if price is None or run.trained_tokens is None:
        return None
    return training_cost_usd(run.trained_tokens, epochs=1, usd_per_million=price.training)


def over_budget(run: Run) -> Failure | None:
    """Why the run may not be bought; a budget without a known price cannot be kept."""
    budget, model = run.request.budget_usd, run.request.model
    if budget is None:
        return None
    if run.cost_estimated is None:
        words = f"budget_usd is set, but no price of {model} is configured for {run.account}"
        return Failure("price_unknown", words, run.stage)
    if run.cost_estimated > budget:
        words = f"training is estimated at {run.cost_estimated:.2f} USD, over {budget:.2f}"
        return Failure("over_budget", words, run.stage)
    return None

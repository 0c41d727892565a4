"""What was deployed of a run's tuned model, and what that costs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tuneq_producer.client import Client
from tuneq_producer.views.loading import loaded
from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import UnreadableError


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A deployed model. The field names are those of the JSON document."""

    name: str  # at the provider
    stage: str
    hours: float  # for which it has stood until now
    cost_usd: float | None  # none where no price an hour is configured
    trouble: str = ""  # why it could not be removed when that was tried last


def read_deployments(client: Client, runs: Iterable[Run]) -> Mapping[str, DeploymentView]:
    """By run id, where its tuned model was deployed; one pipelined read for all.

    The hours of a model are those of the run that made it, whoever evaluates it.
    """
    tuned = [
        (run, deployment_id(run.account, run.fine_tuned_model))
        for run in runs
        if run.fine_tuned_model and _may_be_deployed(client, run)
    ]
    if not tuned:
        return {}
    records, now = client.catalogue.read([item for _, item in tuned]), client.fleet.now()
    found = {}
    for (run, _), record in zip(tuned, records, strict=True):
        try:
            deployment = loaded(record, Deployment) if record else None
        except UnreadableError:  # the run itself can be read
            deployment = None
        if deployment is not None:
            found[run.id] = _view(client, run, deployment, now)
    return found


def _may_be_deployed(client: Client, run: Run) -> bool:
    account = client.settings.accounts.get(run.account)
    return account is not None and account.capabilities.deployment


def _view(client: Client, run: Run, deployment: Deployment, now: float) -> DeploymentView:
    hours = deployment.stood(now)
    price = client.settings.accounts[run.account].prices.get(run.request.model)
    cost = hours * price.hour if price and price.hour else None
    return DeploymentView(deployment.name, deployment.stage, hours, cost, deployment.trouble)

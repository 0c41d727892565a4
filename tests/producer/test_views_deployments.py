"""Hours for which a tuned model was deployed, and what they cost."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.producer.filled_store import BASE, put_run, run_of

from tuneq_producer.client import Client, open_client
from tuneq_producer.report.assemble import assemble
from tuneq_producer.report.tables import notes
from tuneq_producer.views.reading import one_run_view
from tuneq_producer.views.run_page import print_run
from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.lifecycle import DeploymentStage, RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.ports.items import NewItem

TUNED = f"ft:{BASE}:deployed"


@pytest.fixture
def deploying(client: Client, tmp_path: Path) -> Client:
    """An account whose tuned models are deployed, for two dollars an hour."""
    del client
    with (tmp_path / "tuneq.toml").open("a") as file:
        file.write(
            "[accounts.sandbox.capabilities]\ndeployment = true\n"
            f'[accounts.sandbox.prices."{BASE}"]\nhour = 2.0\n'
        )
    return open_client()


def put_deployment(client: Client, **fields: Any) -> None:
    item = Deployment(
        id=deployment_id("sandbox", TUNED).key,
        stage=DeploymentStage.PENDING,
        account="sandbox",
        model=TUNED,
        **fields,
    )
    new = NewItem(item=item.item, stage=item.stage, fixed=fixed_part(item), doc=document(item))
    client.items.create([new])


def put_tuned(client: Client) -> str:
    return put_run(client, run_of("r", RunStage.EVALUATING, fine_tuned_model=TUNED))


def test_its_hours_stand_in_the_cost(deploying: Client) -> None:
    run = put_tuned(deploying)
    put_deployment(deploying, stood_s=5400.0, trouble="forbidden: no right to delete")
    view = one_run_view(deploying, run)
    assert view.deployment is not None
    assert view.deployment.hours == pytest.approx(1.5)
    assert view.cost_usd.deployment == pytest.approx(3.0)
    console = Console(width=200)
    with console.capture() as captured:
        print_run(console, view, [])
    assert "1.50 h" in captured.get()
    assert "it cannot be removed: forbidden: no right to delete" in captured.get()
    assert "deployed 3.00" in captured.get()
    assert any(
        "deployment cost: 3.00 USD (1 of 1 runs)" in n
        for n in notes(assemble(deploying, [run], "g"))
    )


def test_one_that_stands_costs_until_now(deploying: Client) -> None:
    run = put_tuned(deploying)
    put_deployment(deploying, stands_since=deploying.fleet.now() - 3600)
    cost = one_run_view(deploying, run).cost_usd.deployment
    assert cost == pytest.approx(2.0, rel=0.02)


def test_without_a_deployment_there_is_no_such_cost(deploying: Client) -> None:
    view = one_run_view(deploying, put_tuned(deploying))
    assert (view.deployment, view.cost_usd.deployment) == (None, None)


def test_other_accounts_are_not_asked(client: Client) -> None:
    run = put_tuned(client)
    put_deployment(client, stood_s=5400.0)
    assert one_run_view(client, run).deployment is None

"""Deployments that no evaluation needs are found, and removed on wish."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.worker.fakes import ACCOUNT, World, refusal

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.deployment import Deployment, deployment_id
from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.domain.record import document as document_of
from tuneq_shared.domain.record import fixed_part
from tuneq_shared.ports.items import NewItem
from tuneq_worker.reconcile.reconciling import AccountReport, reconcile
from tuneq_worker.reconcile.rendering import document, hints, lines

LOST = "tuneq-" + "a" * 20


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    made = World(redis_url, store_prefix, tmp_path, capabilities=Capabilities(deployment=True))
    made.provider.deploys = True
    return made


def reconciled(world: World, *, cancels: bool = False) -> AccountReport:
    return reconcile(ACCOUNT, world.ports, cancels=cancels, adopts=False)


def test_what_nobody_needs_is_told_and_removed_on_wish(world: World) -> None:
    world.provider.deploy("ft:lost", LOST)
    world.provider.deploy("ft:theirs", "somebody-elses")
    told = reconciled(world)
    assert not told.ok
    assert [stray.remote.name for stray in told.strays] == [LOST]
    assert any("no evaluation needs it" in line for line in lines(told))
    assert any("--cancel" in hint for hint in hints([told]))
    removed = reconciled(world, cancels=True)
    assert removed.ok
    (row,) = document([removed])["accounts"][0]["deployments"]
    assert (row["name"], row["deed"], row["open"]) == (LOST, "removed", False)
    assert [each.name for each in world.provider.standing()] == ["somebody-elses"]
    assert reconciled(world).strays == ()


def test_what_an_evaluation_needs_is_left_alone(world: World) -> None:
    item = world.submit(**world.with_evaluation("first"))
    world.drive(lambda: bool(world.provider.standing()))
    assert reconciled(world, cancels=True).strays == ()
    world.drive_to_end(item)
    assert world.provider.count("deploy") == 1


def test_one_that_cannot_be_removed_stays_told(world: World) -> None:
    world.provider.deploy("ft:lost", LOST)
    world.provider.goes_wrong("remove_deployment", refusal(ErrorKind.SERVER))
    report = reconciled(world, cancels=True)
    assert not report.ok
    assert "not removed" in report.strays[0].deed


def test_a_listing_that_fails_is_trouble(world: World) -> None:
    world.provider.goes_wrong("all_deployments", refusal(ErrorKind.NETWORK))
    assert "network" in reconciled(world).trouble


def test_what_is_in_a_stage_unknown_here_is_left_alone(world: World) -> None:
    item = deployment_id(ACCOUNT, "ft:lost")
    wanted = Deployment(
        id=item.key, stage=DeploymentStage.PENDING, account=ACCOUNT, model="ft:lost"
    )
    new = NewItem(item=item, stage="warming", fixed=fixed_part(wanted), doc=document_of(wanted))
    world.ports.items.create([new])
    world.provider.deploy("ft:lost", wanted.name)
    assert reconciled(world, cancels=True).strays == ()
    assert world.provider.standing()


def test_what_is_about_to_be_removed_is_told(world: World) -> None:
    world.provider.goes_wrong("remove_deployment", *[refusal(ErrorKind.SERVER)] * 9)
    world.submit(**world.with_evaluation("first"))
    world.drive(lambda: bool(world.provider.count("remove_deployment")))
    assert [stray.remote.id for stray in reconciled(world).strays] == ["deployment-1"]


def test_what_another_account_of_the_same_provider_needs_is_left_alone(world: World) -> None:
    accounts = world.settings.accounts
    world.ports = replace(
        world.ports,
        settings=world.settings.model_copy(
            update={"accounts": {**accounts, "twin": accounts[ACCOUNT]}}
        ),
    )
    item = deployment_id("twin", "ft:x")
    wanted = Deployment(id=item.key, stage=DeploymentStage.READY, account="twin", model="ft:x")
    new = NewItem(item=item, stage="ready", fixed=fixed_part(wanted), doc=document_of(wanted))
    world.ports.items.create([new])
    world.provider.deploy("ft:x", wanted.name)
    assert reconciled(world, cancels=True).strays == ()
    assert world.provider.standing()

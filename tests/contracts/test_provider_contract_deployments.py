"""How every adapter must make a model callable, where models have to be deployed."""

import uuid
from contextlib import suppress

import pytest
from tests.contracts.provider_benches import Bench, Breakage
from tests.contracts.provider_orders import ask, follow, fresh_lines, spec, upload, wait_for

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import short_id
from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.ports.provider import Provider, ProviderError


@pytest.fixture(autouse=True)
def deploying(running: Bench) -> None:
    if not running.capabilities.deployment:
        pytest.skip("this account's models answer without a deployment")


@pytest.fixture(scope="module")
def model(running: Bench) -> str:
    """A tuned model."""
    if not running.capabilities.deployment:
        return ""
    running.behave()
    provider = running.provider()
    order = spec(running, upload(provider, fresh_lines()))
    job, _ = follow(provider, provider.create_job(order))
    assert job.fine_tuned_model
    return job.fine_tuned_model


@pytest.fixture
def name() -> str:
    return f"tuneq-{short_id(uuid.uuid4().hex)}"


def removed(provider: Provider, deployment: RemoteDeployment) -> bool:
    """As a worker does it: again and again, until it is seen no more."""
    try:
        provider.remove_deployment(deployment.id)
        return provider.deployment(deployment.id).state is DeploymentState.GONE
    except ProviderError as error:
        if error.kind not in {ErrorKind.NOT_FOUND, ErrorKind.NOT_READY}:
            raise
        return error.kind is ErrorKind.NOT_FOUND


def test_a_tuned_model_answers_once_its_deployment_is_ready(
    provider: Provider, model: str, name: str
) -> None:
    assert provider.serves(model) is None
    assert provider.find_deployments(name) == []
    made = provider.deploy(model, name)
    assert made.name == name
    assert made.state is DeploymentState.PENDING
    ready = DeploymentState.READY
    with suppress(ProviderError):  # too early, unless this machine was slow to ask
        ask(provider, made.handle or model)
        assert provider.deployment(made.id).state is ready
    wait_for(lambda: provider.deployment(made.id).state is ready, "it answers")
    assert ask(provider, provider.deployment(made.id).handle)[0].text
    assert [each.id for each in provider.find_deployments(name)] == [made.id]
    assert made.id in [each.id for each in provider.all_deployments()]
    assert provider.serves(model) is None  # one of ours is no reason to do without one
    wait_for(lambda: removed(provider, made), "it is gone")


def test_a_deployment_that_was_removed_is_gone_and_may_be_made_anew(
    provider: Provider, model: str, name: str
) -> None:
    for _ in range(2):
        made = provider.deploy(model, name)
        wait_for(lambda made=made: removed(provider, made), "it is gone")  # type: ignore[misc]
        assert provider.find_deployments(name) == []
        provider.remove_deployment(made.id)


def test_what_a_check_objects_to_is_not_deployed(provider: Provider, model: str, name: str) -> None:
    class LostError(Exception):
        pass

    def lost() -> None:
        raise LostError

    with pytest.raises(LostError):
        provider.deploy(model, name, lost)
    assert provider.find_deployments(name) == []


@pytest.mark.parametrize(
    ("breakage", "made"), [("drop", 0), ("lost_answer", 1), ("error_after", 1), ("malformed", 0)]
)
def test_a_deployment_whose_answer_is_lost_is_found_again(
    bench: Bench, model: str, name: str, breakage: Breakage, made: int
) -> None:
    provider = bench.provider()
    bench.break_down("deploy", breakage)
    with pytest.raises(ProviderError) as caught:
        provider.deploy(model, name)
    assert caught.value.ambiguous
    found = provider.find_deployments(name)
    assert len(found) == made
    for each in found:
        wait_for(lambda each=each: removed(provider, each), "it is gone")  # type: ignore[misc]


def test_what_does_not_exist_is_not_found_and_not_removed(provider: Provider) -> None:
    with pytest.raises(ProviderError) as one:
        provider.deployment("gone")
    with pytest.raises(ProviderError) as two:
        provider.deploy("no-such-model", "tuneq-nothing")
    assert one.value.kind is ErrorKind.NOT_FOUND
    assert two.value.kind in {ErrorKind.NOT_FOUND, ErrorKind.BAD_REQUEST}
    provider.remove_deployment("gone")


def test_base_models_that_answer_need_no_deployment(bench: Bench, provider: Provider) -> None:
    served = provider.serves(bench.base_model)
    assert served is None or ask(provider, served)[0].text
    assert bench.base_model in [model.id for model in provider.models()]

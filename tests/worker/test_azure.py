"""Azure: jobs as OpenAI has them, deployments by the management."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.worker.azure_support import (
    DEPLOYMENTS,
    PLACE,
    TOKEN,
    TOKEN_ENV,
    TUNED,
    azure,
    deployed,
    not_found,
    resource,
)
from tests.worker.openai_support import KEY, Reply, ScriptedServer, job_document

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Method
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import JobSpec, JobStatus, ProviderError
from tuneq_worker.providers.azure.adapter import AzureProvider
from tuneq_worker.providers.azure.documents import DeploymentDocument
from tuneq_worker.providers.openai.errors import read_answer

NAME = "tuneq-abcdefghij2345672345"
SPEC = JobSpec(
    model="gpt-4.1-mini-2025-04-14", training_file="file-1", validation_file=None, method=Method(),
    suffix="longer-than-eighteen", seed=None, purchase="run/1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_ENV, TOKEN)


def test_a_job_waits_as_pending_among_nulls() -> None:
    told = job_document(
        status="pending", organization_id=None, result_files=None, error=None, metadata=None
    )
    with ScriptedServer(lambda _: Reply(told)) as server:
        job = azure(server, training_type="developerTier").create_job(SPEC)
        (asked,) = server.posts()
    assert (job.status, job.raw_status, job.result_files) == (JobStatus.QUEUED, "pending", ())
    assert asked.path == "/openai/v1/fine_tuning/jobs"
    assert asked.headers["api-key"] == KEY
    assert "authorization" not in asked.headers
    order = asked.json()
    assert order["trainingType"] == "developerTier"
    assert order["suffix"] == "longer-than-eighte"
    assert order["metadata"] == {"tuneq_purchase": "run/1"}


@pytest.mark.parametrize(
    ("model", "name", "version"),
    [
        (TUNED, TUNED, "1"),
        (f"{TUNED}-2026-01-01", f"{TUNED}-2026-01-01", "1"),
        (f"{TUNED}:ckpt-step-90", f"{TUNED}:ckpt-step-90", "1"),
        ("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini", "2025-04-14"),
    ],
)
def test_a_model_is_deployed_with_one_put(model: str, name: str, version: str) -> None:
    with ScriptedServer(resource()) as server:
        made = azure(server, sku="GlobalStandard", capacity=50).deploy(model, NAME)
        (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", f"{DEPLOYMENTS}/{NAME}")
    assert asked.query == {"api-version": "2024-10-01"}
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert "api-key" not in asked.headers
    assert asked.json() == {
        "sku": {"name": "GlobalStandard", "capacity": 50},
        "properties": {"model": {"format": "OpenAI", "name": name, "version": version}},
    }
    assert (made.id, made.handle, made.state) == (NAME, NAME, DeploymentState.PENDING)
    assert read_answer(
        DeploymentDocument, deployed(NAME, name, version=version)
    ).to_deployment().model == model  # fmt: skip


@pytest.mark.parametrize(
    ("state", "extra", "expected"),
    [
        ("Accepted", {}, DeploymentState.PENDING),
        ("Creating", {}, DeploymentState.PENDING),
        ("Moving", {}, DeploymentState.PENDING),
        ("Of2027", {}, DeploymentState.PENDING),
        ("Succeeded", {"deploymentState": "Running"}, DeploymentState.READY),
        ("Succeeded", {"deploymentState": "Paused"}, DeploymentState.FAILED),
        ("Failed", {}, DeploymentState.FAILED),
        ("Canceled", {}, DeploymentState.FAILED),
        ("Disabled", {}, DeploymentState.FAILED),
    ],
)
def test_a_deployment_is_in_our_states(
    state: str, extra: dict[str, Any], expected: DeploymentState
) -> None:
    with ScriptedServer(resource(deployed(NAME, state=state, **extra))) as server:
        (found,) = azure(server).find_deployments(NAME)
    assert found.state is expected
    assert found.created_at == pytest.approx(1795341600.1, abs=0.1)
    assert bool(found.detail) == (expected is DeploymentState.FAILED)


def test_it_is_ready_only_once_chat_knows_it() -> None:
    replies = [not_found("DeploymentNotFound"), Reply({"error": {"code": "429"}}, 429)]
    script = resource(deployed(NAME), chat=lambda: replies.pop(0))
    with ScriptedServer(script) as server:
        provider = azure(server)
        states = [provider.deployment(NAME).state for _ in range(2)]
    assert states == [DeploymentState.PENDING, DeploymentState.READY]


def test_one_that_is_being_deleted_is_gone() -> None:
    with ScriptedServer(resource(deployed(NAME, state="Deleting"))) as server:
        provider = azure(server)
        assert provider.find_deployments(NAME) == []
        assert list(provider.all_deployments()) == []
        provider.remove_deployment(NAME)
        assert server.asked[-1].method == "DELETE"


def test_a_model_answers_by_a_deployment_that_somebody_made() -> None:
    theirs = [
        deployed("other", "gpt-4.1"),
        deployed("late", state="Creating"),
        {"name": "unreadable/"},
        deployed(NAME),
        deployed("mine"),
        deployed("base", "gpt-4.1-mini", version="2025-04-14"),
        deployed(TUNED, "gpt-4.1"),
    ]
    with ScriptedServer(resource(*theirs[:-1])) as server:
        provider = azure(server)
        assert provider.serves(TUNED) == "mine"
        assert provider.serves("gpt-4.1-mini-2025-04-14") == "base"
        assert provider.serves("mine") == "mine"
        assert provider.serves("late") is None
    with ScriptedServer(resource(*theirs)) as server:
        assert azure(server).serves(TUNED) == TUNED


def test_a_listing_is_followed_but_not_to_another_address() -> None:
    pages: list[dict[str, Any]] = []
    with ScriptedServer(lambda _: Reply(pages.pop(0))) as server:
        here, there = f"http://127.0.0.1:{server.port}", "http://127.0.0.1:1"
        first = {"value": [deployed("one")], "nextLink": f"{here}{DEPLOYMENTS}?api-version=1&s=2"}
        pages += [first, {"value": [deployed("two")]}]
        assert [each.id for each in azure(server).all_deployments()] == ["one", "two"]
        assert server.asked[-1].query == {"api-version": "1", "s": "2"}
        pages += [{"value": [deployed("one")], "nextLink": f"{there}/steal"}]
        with pytest.raises(ProviderError, match="another address") as caught:
            list(azure(server).all_deployments())
    assert caught.value.kind is ErrorKind.MALFORMED


def test_the_key_stays_behind_where_a_redirect_leads_elsewhere() -> None:
    async def chat(provider: AzureProvider) -> None:
        async with provider.open_chat(in_flight=1) as line:
            await line.complete("m", [], {})

    with ScriptedServer(lambda _: Reply(job_document())) as elsewhere:
        away = {"location": f"http://localhost:{elsewhere.port}/x"}
        with ScriptedServer(lambda _: Reply({}, 307, away)) as server:
            azure(server).job("ftjob-1")
            with pytest.raises(ProviderError):
                asyncio.run(chat(azure(server)))
            with pytest.raises(ProviderError):
                azure(server).find_deployments(NAME)
    told = [str(asked.headers) for asked in elsewhere.asked]
    assert told
    assert not any(secret in headers for secret in (KEY, TOKEN) for headers in told)


def refused(status: int, code: str, **headers: str) -> Reply:
    return Reply({"error": {"code": code, "message": f"not with {TOKEN}"}}, status, headers)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply({}, drop=True), ErrorKind.NETWORK),
        (refused(503, "ServiceUnavailable"), ErrorKind.SERVER),
        (refused(409, "RequestConflict"), ErrorKind.SERVER),
        (refused(429, "TooManyRequests", **{"retry-after": "3"}), ErrorKind.RATE),
        (refused(400, "InsufficientQuota"), ErrorKind.CAPACITY),
        (refused(400, "DeploymentModelNotSupported"), ErrorKind.BAD_REQUEST),
        (refused(403, "AuthorizationFailed"), ErrorKind.AUTH),
        (Reply(b"<html>"), ErrorKind.MALFORMED),
    ],
)
def test_a_deployment_that_fails_is_asked_for_once(reply: Reply, kind: ErrorKind) -> None:
    with ScriptedServer(resource(put=reply)) as server:
        with pytest.raises(ProviderError) as caught:
            azure(server).deploy(TUNED, NAME)
        assert len(server.asked) == 1
    assert caught.value.kind is kind
    assert caught.value.retry_after_s == (3.0 if kind is ErrorKind.RATE else None)
    assert TOKEN not in caught.value.message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["properties", "systemData", "sku", "etag"])
PROPERTIES = st.sampled_from(["provisioningState", "deploymentState", "model", "rateLimits"])


@given(
    st.dictionaries(FIELDS | st.text(), ANYTHING, max_size=4),
    st.dictionaries(PROPERTIES | st.text(), ANYTHING, max_size=4),
)
def test_whatever_else_it_is_told_with_a_deployment_is_read(
    fields: dict[str, Any], properties: dict[str, Any]
) -> None:
    for told in (fields, {**fields, "properties": properties}):
        found = read_answer(DeploymentDocument, {**told, "name": NAME}).to_deployment()
        assert (found.id, found.handle, found.state) == (NAME, NAME, DeploymentState.PENDING)


@pytest.mark.parametrize("chat", [Reply({}, drop=True), Reply({"error": {}}, 503)])
def test_what_chat_does_not_answer_keeps_nothing_standing(chat: Reply) -> None:
    with ScriptedServer(resource(deployed(NAME), chat=lambda: chat)) as server:
        (found,) = azure(server).find_deployments(NAME)
    assert (found.id, found.state) == (NAME, DeploymentState.PENDING)


def test_what_stands_is_removed_though_nothing_is_to_be_deployed_any_more() -> None:
    with ScriptedServer(resource(deployed(NAME))) as server:
        provider = azure(server, capabilities={"deployment": False})
        assert provider.serves(TUNED) == TUNED
        assert [each.id for each in provider.find_deployments(NAME)] == [NAME]
        provider.remove_deployment(NAME)
        assert server.asked[-1].method == "DELETE"


def test_where_nothing_can_be_removed_nothing_counts_as_gone() -> None:
    away = dict.fromkeys(PLACE, "")
    with ScriptedServer(resource(deployed(NAME))) as server:
        provider = azure(server, capabilities={"deployment": False}, **away)
        assert list(provider.all_deployments()) == []
        for call in (provider.deployment, provider.remove_deployment, provider.find_deployments):
            with pytest.raises(ProviderError, match="where") as caught:
                call(NAME)
            assert caught.value.kind is not ErrorKind.NOT_FOUND

"""Nebius: the OpenAI shape, and custom models made of checkpoints."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tests.worker.openai_support import KEY, Asked, Reply, ScriptedServer, job_document, page

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.providers.nebius.adapter import NebiusProvider
from tuneq_worker.providers.nebius.documents import CustomModelDocument
from tuneq_worker.providers.openai.errors import read_answer

TUNED, SERVED = "meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B-Instruct"
NAME = "tuneq-abcdefghij0123456789"
FULL = f"{SERVED}-LoRa:{NAME}-JuNN"
CHECKPOINTS = [{"id": f"ftckpt_{step}", "step_number": step} for step in (10, 30, 20)]


def custom(**fields: Any) -> dict[str, Any]:
    """As the cookbook shows it."""
    return {
        "type": "text2text", "name": FULL, "status": "active", "status_reason": None,
        "checkpoint_id": "ftckpt_30", "job_id": "ftjob-1", "file_id": None, "url": None,
        "created_at": 1765431401, "description": "ftjob-1", "vendor": "meta", "quality": 73,
        **fields,
    }  # fmt: skip


def answering(listing: Any) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/checkpoints"):
            return page(CHECKPOINTS)
        if asked.path.endswith("/ftjob-1"):
            document = job_document(status="succeeded", model=TUNED, result_files=["weights"])
            return Reply({k: v for k, v in document.items() if k != "fine_tuned_model"})
        if asked.method == "POST":
            return Reply({"name": FULL, "status": "validating", "source": "ftjob-1:ftckpt_30"})
        return Reply(listing)

    return answer


def provider_of(server: ScriptedServer, **options: Any) -> NebiusProvider:
    base_url = f"http://127.0.0.1:{server.port}/v1/"
    fields = {"dialect": "nebius", "base_url": base_url, "options": options}
    return NebiusProvider("nebius", Account.model_validate(fields), SecretStr(KEY), 10.0)


def test_a_job_that_succeeded_names_the_model_that_it_made() -> None:
    with ScriptedServer(answering([])) as server:
        job = provider_of(server).job("ftjob-1")
    assert (job.status, job.fine_tuned_model) == (JobStatus.SUCCEEDED, "ftjob-1")
    assert job.result_files == ()


@pytest.mark.parametrize(
    ("model", "source"),
    [("ftjob-1", "ftjob-1:ftckpt_30"), ("ftjob-1:ftckpt_20", "ftjob-1:ftckpt_20")],
)
def test_the_last_checkpoint_is_deployed_unless_another_is_named(model: str, source: str) -> None:
    with ScriptedServer(answering([])) as server:
        made = provider_of(server, base_models={TUNED: SERVED}).deploy(model, NAME)
        (asked,) = server.posts()
    assert asked.path == "/v0/models"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.json() == {
        "name": NAME, "base_model": SERVED, "source": source, "description": model,
    }  # fmt: skip
    assert (made.id, made.name, made.state) == (FULL, NAME, DeploymentState.PENDING)


def test_a_job_without_checkpoints_cannot_be_deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.worker.test_nebius.CHECKPOINTS", [{"id": "x"}])
    with ScriptedServer(answering([])) as server:
        with pytest.raises(ProviderError, match="no checkpoint") as caught:
            provider_of(server).deploy("ftjob-1", NAME)
        assert server.posts() == []
    assert caught.value.kind is ErrorKind.BAD_REQUEST


FOREIGN = [
    custom(name=f"{SERVED}-LoRa:theirs-AbCd", description="mine"),
    custom(name=f"{SERVED}-LoRa:{NAME}x-AbCd"),
    custom(status="deleted"),
    {"name": 7},
    {},
]


@pytest.mark.parametrize("told", [FULL, f"{SERVED}-LoRa:{NAME}", NAME, f"{NAME}-a1B2c3"])
def test_a_name_is_known_with_letters_behind_it_and_without(told: str) -> None:
    with ScriptedServer(answering([custom(name=told)])) as server:
        (found,) = provider_of(server).find_deployments(NAME)
    assert (found.id, found.name) == (told, NAME)


@pytest.mark.parametrize("wrapped", [True, False])
def test_those_made_under_a_name_are_found_among_others(*, wrapped: bool) -> None:
    entries = [*FOREIGN, custom(), custom(name=FULL.replace("JuNN", "OtHr"), description=None)]
    with ScriptedServer(answering({"data": entries} if wrapped else entries)) as server:
        provider = provider_of(server)
        found = provider.find_deployments(NAME)
        everything = list(provider.all_deployments())
    assert [each.id for each in found] == [FULL, FULL.replace("JuNN", "OtHr")]
    assert [each.model for each in found] == ["ftjob-1", "ftjob-1:ftckpt_30"]
    assert {each.name for each in everything} == {NAME, "theirs", f"{NAME}x"}


def test_only_what_has_a_vendor_answers_by_itself() -> None:
    with ScriptedServer(answering([])) as server:
        provider = provider_of(server)
        for model, handle in [(SERVED, SERVED), (FULL, FULL), ("ftjob-1", None), ("a:b", None)]:
            assert provider.serves(model) == handle
        assert server.asked == []


def test_it_is_looked_at_and_removed_by_its_full_name() -> None:
    with ScriptedServer(answering(custom())) as server:
        provider = provider_of(server)
        found = provider.deployment(FULL)
        provider.remove_deployment(FULL)
        paths = {asked.path for asked in server.asked}
    assert (found.state, found.handle) == (DeploymentState.READY, FULL)
    assert paths == {f"/v0/models/{FULL}".replace(":", "%3A")}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply({}, drop=True), ErrorKind.NETWORK),
        (Reply({"detail": "oops"}, 500), ErrorKind.SERVER),
        (Reply({"detail": "slow down"}, 429, {"retry-after": "3"}), ErrorKind.RATE),
        (Reply({"detail": [{"msg": "bad", "input": KEY}]}, 422), ErrorKind.BAD_REQUEST),
        (Reply(b"<html>"), ErrorKind.MALFORMED),
    ],
)
def test_a_deployment_that_fails_is_asked_for_once(reply: Reply, kind: ErrorKind) -> None:
    told = answering([])

    with ScriptedServer(lambda asked: reply if asked.method == "POST" else told(asked)) as server:
        with pytest.raises(ProviderError) as caught:
            provider_of(server).deploy("ftjob-1", NAME)
        assert len(server.posts()) == 1
    assert caught.value.kind is kind
    assert caught.value.retry_after_s == (3.0 if kind is ErrorKind.RATE else None)
    assert KEY not in caught.value.message


def test_options_are_checked_by_name() -> None:
    account = Account(base_url="http://x/v1", dialect="nebius", options={"base_model": {}})
    with pytest.raises(ConfigurationError, match=r"accounts\.lab\.options\.base_model") as caught:
        NebiusProvider("lab", account, SecretStr(KEY), 1.0)
    assert "base_models" in caught.value.hint


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["status", "status_reason", "description", "source", "job_id", "checkpoint_id", "created_at"]
)


@given(st.dictionaries(FIELDS | st.text(), ANYTHING, max_size=5))
def test_whatever_else_it_is_told_with_a_custom_model_is_read(fields: dict[str, Any]) -> None:
    told = read_answer(CustomModelDocument, {**fields, "name": FULL}).to_deployment()
    assert (told.id, told.name, told.handle) == (FULL, NAME, FULL)
    if fields.get("status") not in ("active", "error", "deleted"):
        assert told.state is DeploymentState.PENDING

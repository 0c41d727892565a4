"""Deployments at Fireworks: one of a name, taken away again, woken where it sleeps."""

import asyncio
from typing import Any

import pytest
from tests.worker.fireworks_support import DEPLOYMENTS, deployment_document, fireworks, google
from tests.worker.openai_support import Asked, Reply, ScriptedServer

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import ProviderError

MODEL = "accounts/me/models/x"
EXISTS = google(409, 6, "it already exists")


def on(deployment_id: str, state: str = "DEPLOYED") -> dict[str, Any]:
    """A model, as far as it is on a deployment."""
    named = f"accounts/me/deployments/{deployment_id}"
    return {"deployedModelRefs": [{"state": state, "deployment": named}]}


def no(status: int, message: str, code: str = "") -> Reply:
    """A refusal of the inference gateway."""
    return Reply({"error": {"code": code, "message": message}}, status)


def test_a_deployment_is_asked_for_in_their_words() -> None:
    with ScriptedServer(lambda _: Reply(deployment_document("CREATING"))) as server:
        made = fireworks(
            server, deployment_shape="shape", max_replicas=2, scale_to_zero_s=900
        ).deploy(MODEL, "tuneq-aaaaaaaaaaaaaaaaaaaa")
    (asked,) = server.asked
    assert (asked.path, asked.query) == (
        DEPLOYMENTS,
        {"deploymentId": "tuneq-aaaaaaaaaaaaaaaaaaaa"},
    )
    assert asked.json() == {
        "baseModel": MODEL,
        "displayName": "tuneq-aaaaaaaaaaaaaaaaaaaa",
        "deploymentShape": "shape",
        "minReplicaCount": 0,
        "maxReplicaCount": 2,
        "autoscalingPolicy": {"scaleToZeroWindow": "900s"},
    }
    assert (made.id, made.name, made.state) == (
        "tuneq-aaaaaaaaaaaaaaaaaaaa",
        "tuneq-aaaaaaaaaaaaaaaaaaaa",
        DeploymentState.PENDING,
    )
    assert made.handle == "accounts/me/deployments/tuneq-aaaaaaaaaaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("state", "posts"),
    [
        ("READY", ["tuneq-aaaaaaaaaaaaaaaaaaaa"]),
        ("CREATING", ["tuneq-aaaaaaaaaaaaaaaaaaaa"]),
        ("DELETED", ["tuneq-aaaaaaaaaaaaaaaaaaaa", "undelete"]),
    ],
)
def test_one_that_is_there_is_taken_and_one_that_was_removed_is_brought_back(
    state: str, posts: list[str]
) -> None:
    def script(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(deployment_document(state))
        return Reply(deployment_document("CREATING")) if "undelete" in asked.path else EXISTS

    with ScriptedServer(script) as server:
        made = fireworks(server).deploy(MODEL, "tuneq-aaaaaaaaaaaaaaaaaaaa")
    assert made.id == "tuneq-aaaaaaaaaaaaaaaaaaaa"
    assert made.state is not DeploymentState.GONE
    sent = [asked.path.partition(":")[2] or asked.query["deploymentId"] for asked in server.posts()]
    assert sent == posts


def test_one_that_is_being_removed_is_an_open_question() -> None:
    def script(asked: Asked) -> Reply:
        return EXISTS if asked.method == "POST" else Reply(deployment_document("DELETING"))

    with ScriptedServer(script) as server, pytest.raises(ProviderError) as caught:
        fireworks(server).deploy(MODEL, "tuneq-aaaaaaaaaaaaaaaaaaaa")
    assert caught.value.ambiguous


def test_those_of_others_that_cannot_be_read_are_left_out() -> None:
    listed = {"deployments": [{"name": "a name/../x"}, {}, deployment_document()]}
    with ScriptedServer(lambda _: Reply(listed)) as server:
        assert [each.id for each in fireworks(server).all_deployments()] == [
            "tuneq-aaaaaaaaaaaaaaaaaaaa"
        ]


def test_it_is_removed_though_it_was_asked_a_moment_ago() -> None:
    with ScriptedServer(lambda _: Reply({})) as server:
        fireworks(server).remove_deployment("tuneq-aaaaaaaaaaaaaaaaaaaa")
    (asked,) = server.asked
    assert (asked.method, asked.query) == ("DELETE", {"ignoreChecks": "true"})


@pytest.mark.parametrize(
    ("told", "served"),
    [
        ({"supportsServerless": True}, MODEL),
        ({}, None),
        ({"deployedModelRefs": None}, None),
        (on("mine"), f"{MODEL}#accounts/me/deployments/mine"),
        (on("mine", "DEPLOYING"), None),
        (on("tuneq-aaaaaaaaaaaaaaaaaaaa"), None),
    ],
)
def test_what_answers_without_us(told: dict[str, Any], served: str | None) -> None:
    with ScriptedServer(lambda _: Reply({"name": MODEL, **told})) as server:
        assert fireworks(server).serves(MODEL) == served


def test_the_name_of_a_deployment_is_asked_as_it_is() -> None:
    named = "accounts/me/deployments/mine"
    with ScriptedServer(lambda _: Reply({})) as server:
        assert fireworks(server).serves(named) == named
    assert server.asked == []


def test_models_are_the_librarys_and_ours() -> None:
    library = [
        {"name": "accounts/fireworks/models/a", "tunable": True, "deprecationDate": {"year": 2026}},
        {"name": "accounts/fireworks/models/b", "supportsServerless": True},
        {"name": "accounts/fireworks/models/c"},
        {"kind": "a model without a name"},
    ]
    own = [{"name": MODEL}]

    def script(asked: Asked) -> Reply:
        return Reply({"models": library if "/fireworks/" in asked.path else own})

    with ScriptedServer(script) as server:
        models = fireworks(server).models()
    assert [model.id.rpartition("/")[2] for model in models] == ["a", "b", "x"]
    assert {model.end_date for model in models} == {None}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (no(503, "soon", "DEPLOYMENT_SCALING_UP"), ErrorKind.COLD),
        (no(503, "overloaded"), ErrorKind.SERVER),
        (no(412, "Account is suspended"), ErrorKind.QUOTA),
        (no(404, "not deployed", "NOT_FOUND"), ErrorKind.NOT_FOUND),
    ],
)
def test_chat_with_a_deployment_that_sleeps_waits_for_it(reply: Reply, kind: ErrorKind) -> None:
    async def ask() -> None:
        async with provider.open_chat(1) as chat:
            await chat.complete("accounts/me/deployments/tuneq-aaaaaaaaaaaaaaaaaaaa", [], {})

    with ScriptedServer(lambda _: reply) as server:
        provider = fireworks(server)
        with pytest.raises(ProviderError) as caught:
            asyncio.run(ask())
    assert caught.value.kind is kind
    assert server.asked[0].path == "/inference/v1/chat/completions"

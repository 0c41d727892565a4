"""Deployments at Together: which model is deployed how, started again, and taken away."""

from typing import Any

import pytest
from tests.worker.openai_support import Asked, Reply
from tests.worker.together_support import ENDPOINTS, JOBS, job, replying, serving, together

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.deployments import DeploymentState
from tuneq_worker.ports.provider import ProviderError, StepMetric
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.together.documents import DeploymentDocument
from tuneq_worker.providers.together.metrics import read_metrics

ONE = f"{ENDPOINTS}/ep_1"
DEPLOYMENT = f"{ONE}/deployments/dep_1"
MODEL = "projects/proj/models/ml_1"
SUPPORTED = "/v2/supported-models"
TUNED = job(status="completed", model_output_name="tuned")
REPLIES: dict[tuple[str, str], Any] = {
    ("GET", JOBS): {"data": [TUNED]},
    ("GET", f"{JOBS}/ft-1"): {**TUNED, "model_object_id": "ml_1", "model_object_revision_id": "rv"},
    ("GET", "/v2/projects/proj/models/ml_1"): {"baseModelId": "ml_base"},
    ("GET", "/v2/projects/proj/configs"): {"data": [{"id": "cr_1", "projectId": "public"}]},
    ("GET", SUPPORTED): {"data": []},
    ("GET", ENDPOINTS): {"data": []},
    ("POST", ENDPOINTS): {"id": "ep_1", "name": "me/tuneq-aaaaaaaaaaaaaaaaaaaa"},
}


def standing(state: str, **fields: Any) -> dict[str, Any]:
    state = f"DEPLOYMENT_STATE_{state}"
    named = {
        "id": "dep_1",
        "name": "me/tuneq-aaaaaaaaaaaaaaaaaaaa/tuneq-aaaaaaaaaaaaaaaaaaaa",
        "model": f"{MODEL}/revisions/rv",
    }
    return {**named, "state": state, "createdAt": "2026-11-22T10:00:00Z", **fields}


def under(name: str, *deployments: dict[str, Any]) -> dict[str, Any]:
    return {"data": [{"id": "ep_1", "name": f"me/{name}", "deployments": list(deployments)}]}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (standing("PROVISIONING"), DeploymentState.PENDING),
        (standing("READY"), DeploymentState.READY),
        (standing("SCALING"), DeploymentState.PENDING),
        (standing("SCALING", readyReplicas=1), DeploymentState.READY),
        (standing("DEGRADED", status={"readyReplicas": 1}), DeploymentState.READY),
        (standing("FAILED"), DeploymentState.FAILED),
        (standing("STOPPING"), DeploymentState.PENDING),
        (standing("STOPPED"), DeploymentState.GONE),
        (standing("WHO_KNOWS"), DeploymentState.PENDING),
    ],
)
def test_states_in_our_words(told: dict[str, Any], state: DeploymentState) -> None:
    seen = read_answer(DeploymentDocument, told).to_deployment("ep_1")
    assert (seen.id, seen.name, seen.state) == ("ep_1/dep_1", "tuneq-aaaaaaaaaaaaaaaaaaaa", state)
    assert seen.handle == "me/tuneq-aaaaaaaaaaaaaaaaaaaa/tuneq-aaaaaaaaaaaaaaaaaaaa"


def test_a_tuned_model_is_deployed_with_its_only_config_and_stops_by_itself() -> None:
    made = standing("PROVISIONING")
    with serving({**REPLIES, ("POST", f"{ONE}/deployments"): made}) as server:
        assert (
            together(server.port, project="proj").deploy("tuned", "tuneq-aaaaaaaaaaaaaaaaaaaa").id
            == "ep_1/dep_1"
        )
    endpoint, deployment = server.posts()
    assert endpoint.json() == {"name": "tuneq-aaaaaaaaaaaaaaaaaaaa"}
    assert deployment.json() == {
        "name": "tuneq-aaaaaaaaaaaaaaaaaaaa",
        "model": f"{MODEL}/revisions/rv",
        "config": "projects/public/configs/cr_1",
        "autoscaling": {"minReplicas": 1, "maxReplicas": 1},
        "inactiveTimeout": 60,
    }
    (configs,) = [asked for asked in server.asked if asked.path.endswith("/configs")]
    assert configs.query["referenceModelId"] == "ml_base"


@pytest.mark.parametrize("chosen", [None, "projects/public/configs/cr_2"])
def test_of_several_configs_one_must_be_chosen(chosen: str | None) -> None:
    several = [{"id": f"cr_{n}", "projectId": "public"} for n in (1, 2)]
    known = {
        **REPLIES,
        ("GET", "/v2/projects/proj/configs"): {"data": several},
        ("POST", f"{ONE}/deployments"): standing("PROVISIONING"),
    }
    with serving(known) as server:
        account = together(server.port, project="proj", configs={"base": chosen} if chosen else {})
        if chosen:
            account.deploy("tuned", "tuneq-aaaaaaaaaaaaaaaaaaaa")
            assert server.posts()[-1].json()["config"] == chosen
            return
        with pytest.raises(ProviderError, match=r"2 ways .*accounts\.lab\.options\.configs") as no:
            account.deploy("tuned", "tuneq-aaaaaaaaaaaaaaaaaaaa")
    assert no.value.kind is ErrorKind.BAD_REQUEST
    assert server.posts() == []


def test_an_endpoint_that_a_killed_worker_left_is_used() -> None:
    known = {
        **REPLIES,
        ("GET", ENDPOINTS): under("tuneq-aaaaaaaaaaaaaaaaaaaa"),
        ("POST", f"{ONE}/deployments"): standing("PROVISIONING"),
    }
    with serving(known) as server:
        together(server.port, project="proj").deploy("tuned", "tuneq-aaaaaaaaaaaaaaaaaaaa")
    assert [asked.path for asked in server.posts()] == [f"{ONE}/deployments"]


def test_one_that_stopped_for_being_idle_is_started_again() -> None:
    stopped = standing("STOPPED")
    known = {
        **REPLIES,
        ("GET", ENDPOINTS): under("tuneq-aaaaaaaaaaaaaaaaaaaa", stopped),
        ("PATCH", DEPLOYMENT): standing("PROVISIONING"),
    }
    with serving(known) as server:
        account = together(server.port, project="proj")
        assert account.find_deployments("tuneq-aaaaaaaaaaaaaaaaaaaa") == []
        assert (
            account.deploy("tuned", "tuneq-aaaaaaaaaaaaaaaaaaaa").state is DeploymentState.PENDING
        )
    assert server.posts() == []
    patched = server.asked[-1]
    assert patched.json() == {"autoscaling": {"minReplicas": 1, "maxReplicas": 1}}
    assert patched.query == {"updateMask": "autoscaling"}


def test_what_is_told_oddly_hides_ours_not_unless_it_is_ours() -> None:
    ours = {
        "id": "ep_1",
        "name": "me/tuneq-aaaaaaaaaaaaaaaaaaaa",
        "deployments": [standing("READY")],
    }
    odd = [{"id": "ep_2", "name": None}, {"id": "ep_3", "name": "me/o", "deployments": [{"id": 1}]}]
    with serving({("GET", ENDPOINTS): {"data": [*odd, ours]}}) as server:
        account = together(server.port, project="proj")
        assert [each.id for each in account.find_deployments("tuneq-aaaaaaaaaaaaaaaaaaaa")] == [
            "ep_1/dep_1"
        ]
        assert [each.id for each in account.all_deployments()] == ["ep_1/dep_1"]
    bad = {**ours, "deployments": [{"id": "dep_1"}]}
    with serving({("GET", ENDPOINTS): {"data": [bad]}}) as server:
        with pytest.raises(ProviderError) as caught:
            together(server.port, project="proj").find_deployments("tuneq-aaaaaaaaaaaaaaaaaaaa")
        assert caught.value.kind is ErrorKind.MALFORMED


@pytest.mark.parametrize("status", [400, 409])
def test_an_endpoint_that_others_use_stays(status: int) -> None:
    used = Reply({"error": {"message": "it has deployments"}}, status)
    with serving({("DELETE", DEPLOYMENT): {}, ("DELETE", ONE): used}) as server:
        together(server.port, project="proj").remove_deployment("ep_1/dep_1")
    assert server.asked[-1].path == ONE


def test_removing_stops_first_and_then_deletes_both() -> None:
    looks = 0

    def script(asked: Asked) -> Reply:
        nonlocal looks
        if asked.method == "PATCH":
            assert asked.json() == {"autoscaling": {"minReplicas": 0, "maxReplicas": 0}}
            return Reply(standing("STOPPING"))
        looks += asked.path == DEPLOYMENT
        if asked.path == DEPLOYMENT and looks < 4:
            return Reply({"error": {"message": "must be stopped"}}, 400)
        return Reply({})

    with serving({}) as server:
        server.script = script
        account = together(server.port, project="proj")
        with pytest.raises(ProviderError) as stopping:
            account.remove_deployment("ep_1/dep_1")
        assert stopping.value.kind is ErrorKind.NOT_READY
        account.remove_deployment("ep_1/dep_1")
    called = [(asked.method, asked.path) for asked in server.asked]
    stopping_it = [("DELETE", DEPLOYMENT), ("PATCH", DEPLOYMENT), ("DELETE", DEPLOYMENT)]
    assert called == [*stopping_it, *stopping_it, ("DELETE", ONE)]


def test_what_others_deployed_serves_and_what_is_ours_does_not_count() -> None:
    for name, served in (
        ("theirs", "me/tuneq-aaaaaaaaaaaaaaaaaaaa/tuneq-aaaaaaaaaaaaaaaaaaaa"),
        ("tuneq-aaaaaaaaaaaaaaaaaaaa", None),
    ):
        ready = standing(
            "READY",
            name="me/tuneq-aaaaaaaaaaaaaaaaaaaa/tuneq-aaaaaaaaaaaaaaaaaaaa"
            if served
            else "me/tuneq-aaaaaaaaaaaaaaaaaaaa/y",
        )
        ready["name"] = f"me/{name}/d"
        with serving({**REPLIES, ("GET", ENDPOINTS): under(name, ready)}) as server:
            account = together(server.port, project="proj")
            assert account.serves("tuned") == (f"me/{name}/d" if served else None)
            assert account.serves("unknown") is None


def test_a_model_that_is_offered_answers_by_its_serverless_name() -> None:
    offered = [
        {"name": "base-large", "products": ["PRODUCT_SERVERLESS"]},
        {"name": "base", "serverlessEndpoint": "base-turbo", "products": []},
    ]
    pages = [{"data": offered[:1], "next_cursor": "2"}, {"data": offered[1:]}]

    def script(asked: Asked) -> Reply:
        if asked.path == SUPPORTED:
            return Reply(pages[asked.query.get("after") == "2"])
        return replying(REPLIES)(asked)

    with serving({}) as server:
        server.script = script
        account = together(server.port, project="proj")
        assert account.serves("base") == "base-turbo"
        assert account.serves("base-large") == "base-large"
        assert [model.id for model in account.models()] == ["base-large", "base"]


def test_a_listing_that_goes_round_is_no_whole_one() -> None:
    circle = {"data": [], "next_cursor": "1"}
    with serving({("GET", ENDPOINTS): circle}) as server, pytest.raises(ProviderError) as caught:
        list(together(server.port, project="proj").all_deployments())
    assert caught.value.kind is ErrorKind.MALFORMED


def test_a_key_of_no_project_needs_one_named() -> None:
    identity = {"type": "org_api_key"}
    words = r"accounts\.lab\.options\.project"
    told = {("GET", "/v3/whoami"): identity}
    with serving(told) as server, pytest.raises(ProviderError, match=words):
        together(server.port).deploy("tuned", "tuneq-aaaaaaaaaaaaaaaaaaaa")


def test_metrics_are_put_together_by_step() -> None:
    raw = (
        b'{"metrics": [{"train/global_step": 2, "train/loss": 0.5, "train/learning_rate": 1e-5},'
        b'{"train/global_step": 1, "train/loss": 0.75}, {"eval/global_step": 2, "eval/loss": 0.6},'
        b'{"train/loss": 9}, {"train/global_step": 3, "train/loss": 1%s}]}' % (b"0" * 400)
    )
    assert read_metrics(raw) == [
        StepMetric(1, train_loss=0.75),
        StepMetric(2, train_loss=0.5, valid_loss=0.6),
        StepMetric(3),
    ]


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"metrics": null}', b'{"metrics": [{"x": 1}]}'])
def test_what_holds_no_metrics_says_so(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no metrics"):
        read_metrics(raw)

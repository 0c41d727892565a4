"""Jobs at Fireworks: what is sent, and that a purchase is there once."""

import pytest
from tests.worker.fireworks_support import JOBS, fireworks, google, job_document, spec
from tests.worker.openai_support import Asked, Reply, ScriptedServer

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Hyperparameters, Method, Supervised
from tuneq_worker.ports.provider import JobStatus, ProviderError
from tuneq_worker.providers.fireworks.names import id_for

EXISTS = google(409, 6, "it already exists")


def test_a_job_is_asked_for_in_their_words() -> None:
    knobs = Hyperparameters(
        n_epochs=3,
        batch_size=8,
        learning_rate=1e-4,
        weight_decay=0.1,
        context_length=4096,
        lora_r=16,
    )
    order = spec(
        validation_file="file-data-2",
        suffix="My Köln, v2!",
        seed=7,
        method=Method(supervised=Supervised(hyperparameters=knobs)),
    )
    with ScriptedServer(lambda _: Reply(job_document())) as server:
        fireworks(server).create_job(order)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", JOBS)
    assert asked.query == {"supervisedFineTuningJobId": id_for("run/1")}
    assert asked.json() == {
        "baseModel": "accounts/fireworks/models/m",
        "dataset": "accounts/me/datasets/data-1",
        "evaluationDataset": "accounts/me/datasets/data-2",
        "displayName": "run/1",
        "outputModel": f"accounts/me/models/ft-my-k-ln-v2-{id_for('run/1')[-12:]}",
        "epochs": 3,
        "batchSizeSamples": 8,
        "learningRate": 1e-4,
        "optimizerWeightDecay": 0.1,
        "maxContextLength": 4096,
        "loraRank": 16,
    }


def test_what_is_left_to_the_provider_is_not_sent() -> None:
    method = Method(supervised=Supervised(hyperparameters=Hyperparameters(n_epochs="auto")))
    with ScriptedServer(lambda _: Reply(job_document())) as server:
        fireworks(server).create_job(spec(purchase=None, method=method))
    assert server.asked[0].query == {}
    assert set(server.asked[0].json()) == {"baseModel", "dataset"}


def test_a_purchase_that_is_there_already_is_answered_and_not_bought_again() -> None:
    there = job_document(id_for("run/1"), displayName="run/1", state="JOB_STATE_RUNNING")

    def script(asked: Asked) -> Reply:
        return EXISTS if asked.method == "POST" else Reply(there)

    with ScriptedServer(script) as server:
        job = fireworks(server).create_job(spec())
    assert (job.id, job.purchase) == (id_for("run/1"), "run/1")
    assert job.status is JobStatus.RUNNING
    assert len(server.posts()) == 1


@pytest.mark.parametrize("purchase", [None, "run/1"])
def test_a_job_that_exists_and_cannot_be_seen_is_an_open_question(purchase: str | None) -> None:
    def script(asked: Asked) -> Reply:
        return EXISTS if asked.method == "POST" else google(404, 5, "not found")

    with ScriptedServer(script) as server, pytest.raises(ProviderError) as caught:
        fireworks(server).create_job(spec(purchase=purchase))
    assert caught.value.ambiguous


def test_a_purchase_is_looked_for_by_its_id_alone() -> None:
    there = job_document(id_for("run/1"))  # whatever became of its display name

    def script(asked: Asked) -> Reply:
        return Reply(there) if asked.path.endswith(id_for("run/1")) else google(404, 5, "gone")

    with ScriptedServer(script) as server:
        provider = fireworks(server)
        assert [job.purchase for job in provider.find_jobs("run/1", since=None)] == ["run/1"]
        assert provider.find_jobs("run/2", since=None) == []
    assert len(server.asked) == 2


def test_a_display_name_that_somebody_else_chose_is_no_purchase() -> None:
    with ScriptedServer(lambda _: Reply(job_document(displayName="run/1"))) as server:
        assert fireworks(server).job("job-1").purchase is None


def test_the_listing_is_read_to_its_end_and_each_job_is_told_once() -> None:
    pages = {
        "": ([job_document("a"), job_document("b")], "2"),
        "2": ([job_document("b"), job_document("c")], ""),
    }

    def script(asked: Asked) -> Reply:
        jobs, token = pages[asked.query.get("pageToken", "")]
        return Reply({"supervisedFineTuningJobs": jobs, "nextPageToken": token})

    with ScriptedServer(script) as server:
        provider = fireworks(server)
        assert [job.id for job in provider.all_jobs()] == ["a", "b", "c"]
        assert [job.id for job in provider.find_jobs_on("file-data-1", None)] == ["a", "b", "c"]
        assert provider.find_jobs_on("file-data-2", None) == []


def test_a_listing_that_does_not_go_on_is_an_error() -> None:
    told = Reply({"supervisedFineTuningJobs": [job_document()], "nextPageToken": "more"})
    with (
        ScriptedServer(lambda _: told) as server,
        pytest.raises(ProviderError, match="does not"),
    ):
        list(fireworks(server).all_jobs())


def test_a_foreign_job_that_cannot_be_read_is_left_out_and_one_of_ours_is_an_error() -> None:
    foreign = job_document("other", createTime="yesterday")
    ours = job_document(id_for("run/1"), displayName="run/1", createTime="yesterday")
    for listed, expected in (([foreign, job_document()], ["job-1"]), ([ours], None)):
        reply = Reply({"supervisedFineTuningJobs": listed})
        with ScriptedServer(lambda _, reply=reply: reply) as server:  # type: ignore[misc]
            provider = fireworks(server)
            if expected is None:
                with pytest.raises(ProviderError):
                    list(provider.all_jobs())
            else:
                assert [job.id for job in provider.all_jobs()] == expected


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (google(400, 9, "job is in a terminal state"), None),
        (google(500, 13, "internal"), None),
        (google(403, 7, "no permission"), ErrorKind.AUTH),
    ],
)
def test_cancelling_what_has_ended_answers_it_as_it_is(
    reply: Reply, kind: ErrorKind | None
) -> None:
    ended = job_document(state="JOB_STATE_COMPLETED")

    def script(asked: Asked) -> Reply:
        return reply if asked.method == "POST" else Reply(ended)

    with ScriptedServer(script) as server:
        provider = fireworks(server)
        if kind is None:
            assert provider.cancel_job("job-1").status is JobStatus.SUCCEEDED
        else:
            with pytest.raises(ProviderError) as caught:
                provider.cancel_job("job-1")
            assert caught.value.kind is kind
    assert server.posts()[0].path == f"{JOBS}/job-1:cancel"


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (google(429, 8, "too many requests"), ErrorKind.RATE, "RESOURCE_EXHAUSTED"),
        (google(412, 9, "Account me is suspended"), ErrorKind.QUOTA, "FAILED_PRECONDITION"),
        (google(412, 9, "the LoRA failed to load"), ErrorKind.BAD_REQUEST, "FAILED_PRECONDITION"),
        (google(402, 8, "pay first"), ErrorKind.QUOTA, "RESOURCE_EXHAUSTED"),
        (google(401, 16, "who are you"), ErrorKind.AUTH, "UNAUTHENTICATED"),
        (google(504, 4, "too late"), ErrorKind.SERVER, "4"),
        (Reply(b"upstream connect error", 503), ErrorKind.SERVER, "server"),
    ],
)
def test_refusals_in_googles_shape(reply: Reply, kind: ErrorKind, code: str) -> None:
    with ScriptedServer(lambda _: reply) as server, pytest.raises(ProviderError) as caught:
        fireworks(server).job("job-1")
    assert (caught.value.kind, caught.value.code) == (kind, code)

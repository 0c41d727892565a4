"""Jobs over the OpenAI dialect, against servers that differ from what one hopes for."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.worker.openai_support import (
    JOBS,
    Asked,
    Reply,
    ScriptedServer,
    job_document,
    page,
    refusal,
)

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.domain.request import Hyperparameters, Method, Supervised
from tuneq_worker.ports.provider import JobSpec, JobStatus, ProviderError


def spec(**changes: Any) -> JobSpec:
    fields: dict[str, Any] = {
        "model": "gpt-4.1-mini-2025-04-14",
        "training_file": "file-1",
        "validation_file": None,
        "method": Method(),
        "suffix": None,
        "seed": None,
        "purchase": "run1/1",
    }
    return JobSpec(**{**fields, **changes})


def test_create_sends_what_is_set_and_nothing_else() -> None:
    with ScriptedServer(lambda _: Reply(job_document())) as server:
        server.provider().create_job(spec())
    assert server.asked[0].path == JOBS
    assert server.asked[0].json() == {
        "model": "gpt-4.1-mini-2025-04-14",
        "training_file": "file-1",
        "method": {"type": "supervised"},
        "metadata": {"tuneq_purchase": "run1/1"},
    }


def test_without_a_purchase_no_metadata_is_sent() -> None:
    with ScriptedServer(lambda _: Reply(job_document(metadata=None))) as server:
        job = server.provider().create_job(spec(purchase=None, labels={"tuneq_group": "g"}))
    assert "metadata" not in server.asked[0].json()
    assert job.purchase is None


def test_create_sends_everything_that_is_set() -> None:
    method = Method(supervised=Supervised(hyperparameters=Hyperparameters(n_epochs=3)))
    full = spec(
        method=method,
        validation_file="file-2",
        suffix="mine",
        seed=0,
        labels={"run": "a", "tuneq_purchase": "forged", "k" * 70: "v" * 600},
    )
    with ScriptedServer(lambda _: Reply(job_document())) as server:
        server.provider().create_job(full)
    sent = server.asked[0].json()
    assert sent["method"] == {
        "type": "supervised",
        "supervised": {"hyperparameters": {"n_epochs": 3}},
    }
    assert (sent["validation_file"], sent["suffix"], sent["seed"]) == ("file-2", "mine", 0)
    assert sent["metadata"] == {"tuneq_purchase": "run1/1", "run": "a", "k" * 64: "v" * 512}


def test_metadata_keeps_the_purchase_among_too_many_labels() -> None:
    with ScriptedServer(lambda _: Reply(job_document())) as server:
        server.provider().create_job(spec(labels={f"l{n}": "x" for n in range(40)}))
    metadata = server.asked[0].json()["metadata"]
    assert len(metadata) == 16
    assert metadata["tuneq_purchase"] == "run1/1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(drop=True), ErrorKind.NETWORK),
        (refusal(500), ErrorKind.SERVER),
        (refusal(409), ErrorKind.SERVER),
        (refusal(408), ErrorKind.NETWORK),
        (refusal(429, headers={"retry-after": "0"}), ErrorKind.RATE),
        (refusal(500, headers={"x-should-retry": "true"}), ErrorKind.SERVER),
        (Reply(b"<html>"), ErrorKind.MALFORMED),
        (Reply(b"", headers={"content-type": "text/plain"}), ErrorKind.MALFORMED),
        (Reply({"object": "fine_tuning.job"}), ErrorKind.MALFORMED),
        (Reply([]), ErrorKind.MALFORMED),
        (Reply({}, 307, {"location": "/elsewhere"}), ErrorKind.MALFORMED),
    ],
)
def test_create_posts_exactly_once_whatever_comes_back(reply: Reply, kind: ErrorKind) -> None:
    with (
        ScriptedServer(lambda _: reply) as server,
        pytest.raises(ProviderError) as caught,
    ):
        server.provider().create_job(spec())
    assert caught.value.kind is kind
    assert len(server.posts()) == 1


@pytest.mark.parametrize(
    ("raw", "model", "status"),
    [
        ("validating_files", None, JobStatus.VALIDATING),
        ("queued", None, JobStatus.QUEUED),
        ("pending", None, JobStatus.QUEUED),
        ("running", None, JobStatus.RUNNING),
        ("pausing", None, JobStatus.RUNNING),
        ("paused", None, JobStatus.PAUSED),
        ("succeeded", "ft:m", JobStatus.SUCCEEDED),
        ("succeeded", None, JobStatus.FINALIZING),
        ("succeeded", "", JobStatus.FINALIZING),
        ("failed", None, JobStatus.FAILED),
        ("cancelled", None, JobStatus.CANCELLED),
        ("melting", None, JobStatus.UNKNOWN),
    ],
)
def test_statuses(raw: str, model: str | None, status: JobStatus) -> None:
    document = job_document(status=raw, fine_tuned_model=model)
    with ScriptedServer(lambda _: Reply(document)) as server:
        job = server.provider().job("ftjob-1")
    assert (job.status, job.raw_status) == (status, raw)


@pytest.mark.parametrize(
    ("told", "finish"),
    [(1_763_800_000, 1_763_800_000.0), (None, None), ("soon", None), ([], None), (1e400, None)],
)
def test_an_estimate_that_is_no_instant_is_none(told: Any, finish: float | None) -> None:
    document = job_document(status="running", estimated_finish=told)
    with ScriptedServer(lambda _: Reply(document)) as server:
        assert server.provider().job("ftjob-1").estimated_finish == finish


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({}, None, None),
        (None, None, None),
        ({"code": None, "message": None}, None, None),
        ({"code": "bad_file", "message": "line 3"}, "bad_file", "line 3"),
    ],
)
def test_an_empty_error_is_none(error: Any, code: str | None, message: str | None) -> None:
    with ScriptedServer(lambda _: Reply(job_document(error=error))) as server:
        job = server.provider().job("ftjob-1")
    assert (job.error_code, job.error_message) == (code, message)


def test_fields_that_a_compatible_server_leaves_null_or_out() -> None:
    document = {
        "id": "ftjob-1",
        "status": "running",
        "created_at": 5,
        "result_files": None,
        "metadata": None,
        "training_file": {"bucket": "b"},
    }
    with ScriptedServer(lambda _: Reply(document)) as server:
        job = server.provider().job("ftjob-1")
    assert (job.result_files, job.purchase, job.training_file) == ((), None, None)


def cancelling(status: str, code: int) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        if asked.method == "POST":
            return refusal(code, "Job has already completed")
        return Reply(job_document(status=status, fine_tuned_model="ft:m"))

    return answer


@pytest.mark.parametrize("code", [400, 409])
def test_cancel_of_an_ended_job_answers_it_as_it_is(code: int) -> None:
    with ScriptedServer(cancelling("succeeded", code)) as server:
        assert server.provider().cancel_job("ftjob-1").status is JobStatus.SUCCEEDED
    assert [asked.path for asked in server.asked] == [f"{JOBS}/ftjob-1/cancel", f"{JOBS}/ftjob-1"]


def test_cancel_that_is_refused_while_the_job_lives_is_an_error() -> None:
    with (
        ScriptedServer(cancelling("running", 400)) as server,
        pytest.raises(ProviderError, match="already completed"),
    ):
        server.provider().cancel_job("ftjob-1")


def test_events_come_oldest_first_and_those_of_one_second_in_order() -> None:
    events = [{"id": f"e{n}", "created_at": n // 3, "message": str(n)} for n in range(250)][::-1]

    def answer(asked: Asked) -> Reply:
        assert asked.path == f"{JOBS}/ftjob-1/events"
        after = asked.query.get("after")
        start = [event["id"] for event in events].index(after) + 1 if after else 0
        return page(events[start : start + 100], more=start + 100 < 250)

    with ScriptedServer(answer) as server:
        found = server.provider().events("ftjob-1")
    assert [event["message"] for event in found] == [str(n) for n in range(250)]


def test_checkpoints_come_as_they_are() -> None:
    entries = [{"id": "c1", "step_number": 3, "metrics": {"train_loss": 0.5}}]
    with ScriptedServer(lambda _: page(entries)) as server:
        assert server.provider().checkpoints("ftjob-1") == entries
    assert server.asked[0].path == f"{JOBS}/ftjob-1/checkpoints"

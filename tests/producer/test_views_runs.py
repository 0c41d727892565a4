"""A run as it is shown, from records of a real store."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    put_evaluation,
    put_run,
    request,
    run_of,
    spec_of,
)

from tuneq_producer.client import Client
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.evaluation_view import evaluation_view
from tuneq_producer.views.reading import one_run_view, run_views
from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.evaluation import Counts, Outcome
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import AccountStage, EvaluationStage, RunStage
from tuneq_shared.domain.record import document, fixed_part
from tuneq_shared.domain.run import Asked
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.errors import NotFoundError, TuneqError
from tuneq_shared.ports.items import NewItem, Slot

R, W, U = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED


def shown(client: Client, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(to_json(one_run_view(client, f"g/{name}")))
    return document


def test_a_run_that_succeeded(client: Client) -> None:
    baseline = put_evaluation(client, spec_of(BASE, shots=1), outcomes=[R, W, W, U])
    run = evaluated_run(client, "good", 1000, [R, R, R, U], baseline)
    seen = shown(client, "good")
    assert seen["run"] == run.id
    assert (seen["name"], seen["group"], seen["stage"]) == ("good", "g", "succeeded")
    assert (seen["account"], seen["model"]) == ("sandbox", BASE)
    assert seen["fine_tuned_model"] == f"ft:{BASE}:good"
    assert seen["cost_usd"] == {
        "estimated": 0.5, "actual": 0.25, "deployment": None, "evaluation": None,
        "evaluation_estimated": None,
    }  # fmt: skip
    assert (seen["samples"], seen["accuracy"]) == (1000, 0.75)
    assert [seen[key] for key in ("error", "waiting_for", "due_at")] == [None, None, None]
    assert datetime.fromisoformat(seen["created_at"]).utcoffset() is not None
    assert seen["finished_at"] == "1970-01-01T00:00:01Z"
    assert seen["request"] == {
        "name": "good",
        "group": "g",
        "account": "sandbox",
        "model": BASE,
        "training_file": f"sha256:{'a' * 64}",
    }
    tuned, other = seen["evaluations"]
    counted = {key: tuned[key] for key in ("samples", "correct", "wrong", "unparsed", "refused")}
    assert counted == {"samples": 4, "correct": 3, "wrong": 0, "unparsed": 1, "refused": 0}
    assert (tuned["role"], tuned["shots"], tuned["reused"]) == ("tuned", 0, False)
    assert tuned["interval"] == pytest.approx([0.30064, 0.95441], abs=1e-5)
    assert (other["role"], other["shots"], other["reused"]) == ("baseline", 1, True)
    assert other["accuracy"] == 0.25


def test_a_run_that_failed(client: Client) -> None:
    failure = Failure("job_failed", "the job failed", "training")
    put_run(client, run_of("bad", RunStage.FAILED, failure=failure, attempts={"training": 2}))
    seen = shown(client, "bad")
    assert seen["error"] == {"code": "job_failed", "message": "the job failed", "stage": "training"}
    assert seen["attempts"] == {"training": 2}
    assert seen["evaluations"] == []


@pytest.mark.parametrize("kind", [WaitKind.RETRY, WaitKind.UPLOAD, WaitKind.ACCOUNT])
def test_what_a_run_waits_for(client: Client, kind: WaitKind) -> None:
    put_run(client, run_of("w", RunStage.UPLOADING, waiting=Waiting(kind, "x", "because")))
    seen = shown(client, "w")
    expected = {"kind": kind.value, "on": "x", "reason": "because", "position": None}
    assert seen["waiting_for"] == expected
    assert datetime.fromisoformat(seen["due_at"]) > datetime.fromisoformat(seen["created_at"])


def test_a_run_that_is_parked_has_no_due_time(client: Client) -> None:
    account = AccountState(id="sandbox", stage=AccountStage.ACTIVE)
    client.items.create(
        [
            NewItem(
                item=account.item,
                stage=account.stage,
                fixed=fixed_part(account),
                doc=document(account),
            )
        ]
    )
    waiting = Waiting(WaitKind.JOB, "ftjob-1", "the job is running")
    run = run_of("parked", RunStage.TRAINING, waiting=waiting, job_id="ftjob-1")
    put_run(client, run, park=account_id("sandbox"))
    seen = shown(client, "parked")
    assert seen["due_at"] is None
    assert seen["waiting_for"]["kind"] == "job"


def test_the_place_in_the_line_for_a_slot(client: Client) -> None:
    for name in ("first", "second", "third"):
        put_run(client, run_of(name, RunStage.CREATING), take=Slot("pool", 1))
    assert shown(client, "first")["waiting_for"] is None
    waiting = shown(client, "third")["waiting_for"]
    assert (waiting["kind"], waiting["position"]) == ("slot", 2)
    assert waiting["reason"] == "1 of 1 active"
    assert waiting["on"] == f"sandbox/{BASE}"


def test_a_run_in_line_keeps_the_provider_s_words(client: Client) -> None:
    put_run(client, run_of("first", RunStage.CREATING), take=Slot("pool", 1))
    waiting = Waiting(WaitKind.SLOT, "pool", "too many active jobs")
    put_run(client, run_of("next", RunStage.CREATING, waiting=waiting), take=Slot("pool", 1))
    expected = {"kind": "slot", "on": "pool", "reason": "too many active jobs", "position": 1}
    assert shown(client, "next")["waiting_for"] == expected


def test_a_held_run_waits_for_an_operator(client: Client) -> None:
    put_run(client, run_of("held", RunStage.HELD, held_from=RunStage.CREATING))
    seen = shown(client, "held")
    assert seen["waiting_for"]["kind"] == "operator"
    assert seen["held_from"] == "creating"


def test_defaults_are_left_out_of_the_request(client: Client) -> None:
    asked = request("r", labels={"team": "qa"}, samples={"n": 50}, priority="normal")
    put_run(client, run_of("r", RunStage.PREPARING, request=asked))
    seen = shown(client, "r")
    assert seen["request"]["labels"] == {"team": "qa"}
    assert seen["request"]["samples"] == {"n": 50}
    assert "priority" not in seen["request"]
    assert seen["samples"] == 50


def test_artifacts_are_shown_with_their_whole_path(client: Client) -> None:
    put_run(client, run_of("a", RunStage.SUCCEEDED, artifacts=("runs/a/events.jsonl",)))
    assert shown(client, "a")["artifacts"] == [f"{client.data.url}/runs/a/events.jsonl"]


def test_an_incomplete_evaluation_has_counts_and_no_accuracy(client: Client) -> None:
    failure = Failure("samples_errored", "1 of 3 samples have no answer")
    evaluation = put_evaluation(
        client,
        spec_of("m"),
        EvaluationStage.INCOMPLETE,
        outcomes=[R, R, Outcome.ERRORED],
        failure=failure,
    )
    view = evaluation_view(evaluation)
    assert (view.samples, view.errored, view.accuracy, view.interval) == (3, 1, None, None)
    assert view.error == failure


def test_an_evaluation_that_goes_on_again_shows_nothing_of_the_earlier_try(client: Client) -> None:
    running = put_evaluation(
        client, spec_of("m"), EvaluationStage.RUNNING, counts=Counts(correct=2, wrong=1)
    )
    view = evaluation_view(running)
    assert (view.samples, view.correct, view.accuracy) == (0, 0, None)


def test_an_evaluation_that_is_gone_is_said_to_be(client: Client) -> None:
    put_run(client, run_of("r", RunStage.EVALUATING, asked=(Asked("0" * 32, "ft:m", "tuned"),)))
    (evaluation,) = shown(client, "r")["evaluations"]
    assert (evaluation["stage"], evaluation["accuracy"]) == ("absent", None)


def test_many_runs_come_in_order_and_the_lost_are_left_out(client: Client) -> None:
    ids = [put_run(client, run_of(f"r{n}", RunStage.SUBMITTED)) for n in range(5)]
    asked = [ids[3], "nosuchrun", ids[0]]
    assert [view.run for view in run_views(client, asked)] == [ids[3], ids[0]]
    with pytest.raises(NotFoundError, match="nosuchrun"):
        one_run_view(client, "nosuchrun")


def test_a_record_of_a_newer_tuneq_is_told_of(client: Client) -> None:
    run = run_of("r", RunStage.SUBMITTED)
    new = NewItem(item=run.item, stage=run.stage, fixed=fixed_part(run), doc={"v": 99})
    client.items.create([replace(new, group="g", name="r")])
    with pytest.raises(TuneqError, match="newer tuneq"):
        one_run_view(client, "g/r")

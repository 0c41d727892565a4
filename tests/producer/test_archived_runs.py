"""Runs that have left Redis are shown, reported, refused and retried as before."""

import json
from pathlib import Path

import pytest
from tests.producer.filled_store import (
    evaluated_run,
    put_away,
    put_evaluation,
    put_run,
    run_of,
    spec_of,
)
from tests.producer.producer_site import Site

from tuneq_producer.client import Client
from tuneq_producer.selection import Scope
from tuneq_producer.views.progress import progress_of
from tuneq_producer.views.tracking import Tracker
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.redis_store.connection import connect

BASE = "gpt-4.1-mini-2025-04-14"


@pytest.fixture
def filled(site: Site) -> Client:
    client = site.client()
    outcomes = [Outcome.CORRECT, Outcome.WRONG, Outcome.CORRECT, Outcome.UNPARSED]
    baseline = put_evaluation(client, spec_of(BASE, shots=1), outcomes=outcomes[::-1])
    for place, size in enumerate((50, 100, 200)):
        evaluated_run(client, f"qa-{size}", size, outcomes[place:] + outcomes[:place], baseline)
    put_run(client, run_of("bad", RunStage.FAILED, failure=Failure("job_failed", "no luck")))
    return client


@pytest.mark.parametrize(
    "words",
    [
        ("show", "g/qa-100"),
        ("show", "g/qa-100", "--json"),
        ("show", "g/bad", "--json"),
        ("events", "g/qa-100"),
        ("events", "g/bad", "--json"),
        ("events", "g/bad", "--follow"),
        ("report", "g"),
        ("report", "g", "--json"),
        ("report", "g/qa-50", "--json"),
        ("wait", "g/qa-50", "g/bad", "--json"),
    ],
)
def test_what_is_archived_reads_as_before(
    site: Site, filled: Client, words: tuple[str, ...]
) -> None:
    before = site.tuneq(*words)
    put_away(filled)
    after = site.tuneq(*words)
    assert (after.stdout, after.exit_code) == (before.stdout, before.exit_code)
    assert before.stdout


def test_a_group_half_archived_is_reported_whole_and_in_order(site: Site, filled: Client) -> None:
    put_away(filled)
    evaluated_run(filled, "qa-400", 400, [Outcome.CORRECT])
    report = json.loads(site.tuneq("report", "g", "--json").stdout)
    names = [run["name"] for run in report["runs"]]
    assert names == ["qa-50", "qa-100", "qa-200", "bad", "qa-400"]


def test_ls_says_how_many_are_archived(site: Site, filled: Client) -> None:
    put_away(filled)
    listed = site.tuneq("ls", "--group", "g")
    assert listed.exit_code == 0
    assert "4 of 4 ended: 3 succeeded, 1 failed" in listed.stdout
    assert "4 of them are archived" in listed.stdout
    document = json.loads(site.tuneq("ls", "--group", "g", "--json").stdout)
    assert document == {"runs": [], "counts": {"succeeded": 3, "failed": 1}, "archived": 4}


def test_an_archived_failure_says_nothing_of_all_that_is_here(site: Site, filled: Client) -> None:
    put_away(filled)
    result = site.tuneq("wait", "--all")
    assert (result.exit_code, result.stdout) == (0, "0 of 0 ended\n")


@pytest.mark.parametrize("words", [("wait", "--group", "g"), ("watch", "--group", "g")])
def test_a_group_with_a_failure_is_not_good_once_it_is_archived(
    site: Site, filled: Client, words: tuple[str, ...]
) -> None:
    put_away(filled)
    result = site.tuneq(*words)
    assert result.exit_code == 1
    assert "4 of 4 ended: 3 succeeded, 1 failed" in result.stdout


def test_a_group_of_successes_is_good_once_it_is_archived(site: Site, filled: Client) -> None:
    put_run(filled, run_of("good", RunStage.SUCCEEDED, group="other"))
    put_away(filled)
    result = site.tuneq("wait", "--group", "other", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["good"], document["counts"]) == (True, {"succeeded": 1})


def test_runs_that_are_archived_while_they_are_watched_stay_in_the_total(
    site: Site, filled: Client
) -> None:
    scope = Scope(group="g")
    tracker, before = Tracker(filled, scope), progress_of(filled, scope)
    assert len(tracker.rows(before.total, 60)) == 4
    put_away(filled)
    assert progress_of(filled, scope).counts == before.counts
    assert len(tracker.rows(before.total, 60)) == 4
    evaluated_run(filled, "qa-400", 400, [Outcome.CORRECT])
    assert len(tracker.rows(progress_of(filled, scope).total, 60)) == 5


def test_after_a_loss_of_redis_a_full_id_is_shown(site: Site, filled: Client) -> None:
    before = site.tuneq("show", "g/qa-100", "--json").stdout
    run = json.loads(before)["run"]
    put_away(filled)
    with connect(filled.settings.redis_url) as redis:
        redis.delete(*redis.keys(f"{filled.settings.key_prefix}:*"))
    assert site.tuneq("show", run, "--json").stdout == before
    assert site.tuneq("show", run[:10]).exit_code == 2


def test_a_damaged_file_is_named(site: Site, filled: Client) -> None:
    put_away(filled)
    run = filled.catalogue.find_run("g/bad")
    (path,) = Path(filled.data.url, "archive", "runs", run).iterdir()
    path.write_text("{")
    result = site.tuneq("show", "g/bad")
    assert result.exit_code == 1
    assert f"archive/runs/{run}/{path.name} cannot be read" in result.stderr


def damage(client: Client, kind: str, key: str) -> str:
    (path,) = Path(client.data.url, "archive", kind, key).iterdir()
    path.write_text("{")
    return f"archive/{kind}/{key}/{path.name}"


def test_a_damaged_file_keeps_no_other_run_from_being_shown(site: Site, filled: Client) -> None:
    put_away(filled)
    run = filled.catalogue.find_run("g/bad")
    path = damage(filled, "runs", run)
    report = json.loads(site.tuneq("report", "g", "--json").stdout)
    assert [each["name"] for each in report["runs"]] == ["qa-50", "qa-100", "qa-200"]
    (missing,) = report["missing"]
    assert (missing["run"], missing["stage"]) == (run, "unreadable")
    assert path in missing["reason"]
    waited = site.tuneq("wait", "g/bad", "g/qa-50")
    assert waited.exit_code == 1
    assert "2 of 2 ended: 1 succeeded, 1 unreadable" in waited.stdout
    retried = site.tuneq("retry", "g/bad", "g/qa-50")
    assert retried.exit_code == 1
    assert path in retried.stdout
    assert "has succeeded" in retried.stdout


def test_a_damaged_evaluation_keeps_no_run_from_being_shown(site: Site, filled: Client) -> None:
    put_away(filled)
    (evaluation,) = {
        asked["evaluation"]
        for asked in json.loads(site.tuneq("show", "g/qa-100", "--json").stdout)["evaluations"]
        if asked["role"] == "tuned"
    }
    path = damage(filled, "evaluations", evaluation)
    shown = site.tuneq("show", "g/qa-100", "--json")
    assert shown.exit_code == 0
    assert path in shown.stderr
    stages = {each["role"]: each["stage"] for each in json.loads(shown.stdout)["evaluations"]}
    assert stages == {"tuned": "absent", "baseline": "done"}


def test_what_a_newer_tuneq_wrote_is_not_guessed_at(site: Site, filled: Client) -> None:
    put_away(filled)
    run = filled.catalogue.find_run("g/bad")
    (path,) = Path(filled.data.url, "archive", "runs", run).iterdir()
    path.write_text(json.dumps({**json.loads(path.read_text()), "v": 2}))
    result = site.tuneq("show", "g/bad")
    assert result.exit_code == 1
    assert "newer tuneq" in result.stderr


def test_submitting_again_gives_the_same_run_and_other_requests_are_refused(site: Site) -> None:
    train, other = site.data("train.jsonl"), site.data("other.jsonl")
    words = ("--model", "m", "--name", "n", "--idempotency-key", "k", "--train")
    (run,) = site.ids(*words, train)
    failed = [RunStage.PREPARING, RunStage.FAILED]
    site.put(run, *failed, failure=Failure("odd", "odd", "preparing"))
    put_away(site.client())
    again = json.loads(site.tuneq("submit", *words, train, "--json").stdout)
    assert (again["run"], again["created"]) == (run, False)
    assert site.runs() == []
    for refused in (words, ("--model", "m", "--name", "n", "--train")):
        result = site.tuneq("submit", *refused, other)
        assert result.exit_code == 2
        assert run in result.stderr
    assert site.runs() == []


def test_an_archived_run_is_retried(site: Site) -> None:
    (run,) = site.ids("--model", "m", "--train", site.data("train.jsonl"))
    failed = [RunStage.PREPARING, RunStage.FAILED]
    site.put(run, *failed, failure=Failure("odd", "odd", "preparing"))
    client = site.client()
    put_away(client)
    assert site.tuneq("cancel", run).exit_code == 0
    assert site.runs() == []
    result = site.tuneq("retry", run)
    assert result.exit_code == 0
    assert "retried from preparing" in result.stdout
    assert site.run(run).stage is RunStage.PREPARING
    assert site.runs() == [run]
    assert client.catalogue.archived_count() == 0
    assert "goes on already" not in result.stdout


def test_one_that_has_succeeded_stays_in_the_archive(site: Site, filled: Client) -> None:
    put_away(filled)
    assert "has succeeded" in site.tuneq("retry", "g/qa-50").stdout
    assert filled.catalogue.archived_count("g") == 4

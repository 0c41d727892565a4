"""`tuneq watch`: lines where there is no terminal, a table where there is one."""

import io
import json
from functools import partial

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from tests.producer.filled_store import (
    move_run,
    put_evaluation,
    put_run,
    put_shards,
    run_of,
    spec_of,
)
from tests.producer.looks_script import Step, play

from tuneq_producer.client import Client
from tuneq_producer.commands.watch import watch
from tuneq_producer.selection import Scope
from tuneq_producer.views import tracking
from tuneq_producer.views.live import watch_live
from tuneq_producer.views.tracking import Tracker
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.run import Asked

GOOD, BAD, HELD, BUSY = RunStage.SUCCEEDED, RunStage.FAILED, RunStage.HELD, RunStage.TRAINING
FAILURE = Failure("job_failed", "no luck")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(watch, arguments)


def test_each_change_of_a_stage_is_a_line(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, collecting = run_of("r", BUSY), run_of("r", RunStage.COLLECTING)
    put_run(client, busy)
    put_run(client, run_of("old", GOOD, finished_at=1.0))
    steps: list[Step] = [
        lambda: None,
        partial(move_run, client, busy, RunStage.COLLECTING),
        lambda: None,
        partial(move_run, client, collecting, BAD, failure=FAILURE),
    ]
    play(monkeypatch, steps)
    result = run("--group", "g")
    assert result.exit_code == 1
    lines = [line.partition("  ")[2] for line in result.stdout.splitlines()]
    assert lines == [
        "1 of 2 ended: 1 training, 1 succeeded",
        "g/r  collecting",
        "g/r  failed  job_failed: no luck",
        "2 of 2 ended: 1 succeeded, 1 failed",
    ]


def test_a_run_that_is_submitted_meanwhile_is_seen(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = run_of("r", RunStage.COLLECTING)
    put_run(client, busy)
    finished_at = client.fleet.now() + 60
    steps: list[Step] = [
        partial(put_run, client, run_of("late", GOOD, finished_at=finished_at)),
        partial(move_run, client, busy, GOOD),
    ]
    play(monkeypatch, steps)
    result = run("--all")
    assert result.exit_code == 0
    assert "g/late  succeeded" in result.stdout


def test_json_is_an_object_a_line(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = run_of("r", RunStage.COLLECTING)
    run_id = put_run(client, busy)
    play(monkeypatch, [partial(move_run, client, busy, GOOD)])
    first, change, last = map(json.loads, run(run_id, "--json").stdout.splitlines())
    assert first["counts"] == {"collecting": 1}
    assert (change["run"], change["name"], change["stage"]) == (run_id, "r", "succeeded")
    assert last["counts"] == {"succeeded": 1}


def test_it_ends_when_all_that_is_left_is_held(client: Client) -> None:
    put_run(client, run_of("held", HELD))
    assert run("--all").exit_code == 1


@pytest.mark.parametrize("at_once", [2, 3, 100])
def test_many_runs_are_looked_at_in_turn(
    client: Client, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(tracking, "_READ_AT_ONCE", at_once)
    runs = [run_of(f"r{n}", RunStage.COLLECTING) for n in range(7)]
    for each in runs:
        put_run(client, each)
    since = client.fleet.now() + 60
    tracker = Tracker(client, Scope())
    assert list(tracker.all_changes(7, since)) == []
    for each in runs:
        move_run(client, each, GOOD)
    assert {view.run for view in tracker.all_changes(7, since)} == {each.id for each in runs}
    assert list(tracker.all_changes(7, since)) == []


def names(tracker: Tracker, total: int, capacity: int) -> list[str]:
    return [view.name for view in tracker.rows(total, capacity)]


def test_rows_are_the_unfinished_and_then_those_that_ended_last(client: Client) -> None:
    runs = [run_of(f"r{n}", RunStage.COLLECTING) for n in range(6)]
    for each in runs:
        put_run(client, each)
    tracker = Tracker(client, Scope())
    assert names(tracker, 6, 3) == ["r0", "r1", "r2"]
    move_run(client, runs[1], GOOD)
    assert names(tracker, 6, 3) == ["r0", "r2", "r3"]
    for number in (0, 2, 3, 4):
        move_run(client, runs[number], GOOD)
    assert names(tracker, 6, 3) == ["r3", "r4", "r5"]
    assert names(tracker, 6, 6) == [f"r{n}" for n in range(6)]


def live(client: Client, scope: Scope, height: int = 24, width: int = 80) -> tuple[str, bool]:
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, markup=False
    )
    progress = watch_live(console, client, scope)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), progress.good


def test_the_live_table_shows_rows_counts_and_shards(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = put_evaluation(client, spec_of("ft:m"), EvaluationStage.RUNNING, shards=5)
    put_shards(client, running, done=2)
    asked = (Asked(running.id, "ft:m", "tuned"),)
    busy = run_of("r", RunStage.EVALUATING, asked=asked)
    put_run(client, busy)
    put_run(client, run_of("bad", BAD, failure=FAILURE))
    play(monkeypatch, [partial(move_run, client, busy, GOOD)])
    shown, good = live(client, Scope(group="g"))
    assert not good
    assert "group g: 1 of 2 ended: 1 evaluating, 1 failed" in shown
    assert "2/5 shards evaluated" in shown
    assert "job_failed: no luck" in shown
    assert "group g: 2 of 2 ended: 1 succeeded, 1 failed" in shown


def test_the_live_table_keeps_to_the_terminal(client: Client) -> None:
    for number in range(30):
        put_run(client, run_of(f"r{number}", GOOD))
    shown, good = live(client, Scope(), height=12)
    assert good
    assert shown.rpartition("all runs:")[2].count("succeeded") == 1 + 6
    assert "and 24 more" in shown

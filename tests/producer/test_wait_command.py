"""`tuneq wait`: exit codes, and what it says."""

import json
from functools import partial

import pytest
from click.testing import CliRunner, Result
from tests.producer.filled_store import move_run, put_run, run_of
from tests.producer.looks_script import play

from tuneq_producer.client import Client
from tuneq_producer.commands.wait import wait
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.errors import InvalidInputError, NotFoundError, TimeoutPassedError

GOOD, BAD, HELD, BUSY = RunStage.SUCCEEDED, RunStage.FAILED, RunStage.HELD, RunStage.TRAINING


def run(*arguments: str) -> Result:
    return CliRunner().invoke(wait, arguments)


@pytest.mark.parametrize(
    ("stages", "code"),
    [
        ([GOOD, GOOD], 0),
        ([GOOD, BAD], 1),
        ([GOOD, HELD], 1),
        ([RunStage.CANCELLED], 1),
    ],
)
@pytest.mark.parametrize("how", ["group", "all", "runs", "nothing"])
def test_the_exit_code_says_whether_all_succeeded(
    client: Client, stages: list[RunStage], code: int, how: str
) -> None:
    names = [f"r{n}" for n in range(len(stages))]
    for name, stage in zip(names, stages, strict=True):
        put_run(client, run_of(name, stage))
    named = [f"g/{name}" for name in names]
    scopes = {"group": ["--group", "g"], "all": ["--all"], "runs": named, "nothing": []}
    assert run(*scopes[how]).exit_code == code


def test_it_returns_when_the_last_run_has_ended(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = run_of("r", BUSY)
    put_run(client, busy)
    put_run(client, run_of("done", GOOD))
    collecting = run_of("r", RunStage.COLLECTING)
    steps = [
        partial(move_run, client, busy, RunStage.COLLECTING),
        partial(move_run, client, collecting, GOOD),
    ]
    play(monkeypatch, steps)
    result = run("--group", "g", "--timeout", "10")
    assert (result.exit_code, result.stdout) == (0, "2 of 2 ended: 2 succeeded\n")


def test_a_held_run_does_not_end_the_wait_for_the_others(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = run_of("r", RunStage.COLLECTING)
    put_run(client, busy)
    put_run(client, run_of("held", HELD))
    play(monkeypatch, [partial(move_run, client, busy, GOOD)])
    result = run("--all")
    assert result.exit_code == 1
    assert "1 of 2 ended: 1 held, 1 succeeded" in result.stdout


def test_the_timeout_passes_by_the_clock(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    put_run(client, run_of("r", BUSY))
    pauses = play(monkeypatch, [lambda: None] * 3)
    error = run("--all", "--timeout", "1.2").exception
    assert isinstance(error, TimeoutPassedError)
    assert error.exit_code == 124
    assert sum(pauses) == pytest.approx(1.2)


def test_a_timeout_of_nothing_looks_once(client: Client) -> None:
    put_run(client, run_of("r", GOOD))
    assert run("--all", "--timeout", "0").exit_code == 0


def test_those_without_success_are_named(client: Client) -> None:
    put_run(client, run_of("bad", BAD, failure=Failure("job_failed", "no luck")))
    put_run(client, run_of("good", GOOD))
    assert "g/bad  failed  job_failed: no luck" in run("--all").stdout
    document = json.loads(run("--all", "--json").stdout)
    assert (document["good"], document["total"]) == (False, 2)
    assert document["counts"] == {"failed": 1, "succeeded": 1}
    assert [each["name"] for each in document["without_success"]] == ["bad"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--group", "nothing"], NotFoundError),
        (["g/nothing"], NotFoundError),
        (["g/r", "--all"], InvalidInputError),
    ],
)
def test_what_is_not_there_is_not_waited_for(
    client: Client, arguments: list[str], error: type[Exception]
) -> None:
    assert isinstance(run(*arguments).exception, error)

"""`tuneq ls` and `tuneq show`."""

import json

import click
import pytest
from click.testing import CliRunner, Result
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    move_run,
    put_evaluation,
    put_run,
    run_of,
    spec_of,
)

from tuneq_producer.client import Client
from tuneq_producer.commands import ls as ls_module
from tuneq_producer.commands.ls import ls
from tuneq_producer.commands.show import show
from tuneq_producer.selection import select_runs
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.errors import InvalidInputError, NotFoundError


def run(command: click.Command, *arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(command, arguments)


@pytest.fixture
def filled(client: Client) -> Client:
    evaluated_run(client, "good", 50, [Outcome.CORRECT, Outcome.WRONG])
    put_run(client, run_of("bad", RunStage.FAILED, failure=Failure("job_failed", "no luck")))
    waiting = Waiting(WaitKind.JOB, "ftjob-1", "the job is running")
    put_run(client, run_of("busy", RunStage.TRAINING, group="h", waiting=waiting))
    return client


def names(*arguments: str) -> list[str]:
    result = run(ls, *arguments, "--json")
    assert result.exit_code == 0
    return [each["name"] for each in json.loads(result.stdout)["runs"]]


@pytest.mark.usefixtures("filled")
def test_ls_shows_each_run_and_how_it_stands() -> None:
    result = run(ls, width=120)
    rows = {row.split()[1]: row for row in result.stdout.splitlines() if "/" in row}
    assert rows.keys() == {"g/good", "g/bad", "h/busy"}
    assert "50.00 % of 2" in rows["g/good"]
    assert BASE in rows["g/good"]
    assert "job_failed: no luck" in rows["g/bad"]
    assert "the job is running" in rows["h/busy"]
    assert "2 of 3 ended: 1 training, 1 succeeded, 1 failed" in result.stdout


@pytest.mark.usefixtures("filled")
def test_ls_in_a_narrow_terminal_stays_in_it() -> None:
    lines = run(ls, width=80).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("50.00 % of 2" in line for line in lines)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["good", "bad", "busy"]),
        (["--group", "g"], ["good", "bad"]),
        (["--stage", "training"], ["busy"]),
        (["--stage", "training", "--stage", "succeeded"], ["good", "busy"]),
        (["--failed"], ["bad"]),
        (["--group", "h", "--failed"], []),
    ],
)
def test_ls_takes_a_part(arguments: list[str], expected: list[str]) -> None:
    assert names(*arguments) == expected


def test_ls_of_nothing_is_no_error(client: Client) -> None:
    assert json.loads(run(ls, "--json").stdout) == {"runs": [], "counts": {}, "archived": 0}
    assert run(ls).stdout == "0 of 0 ended\n"


def test_ls_refuses_an_unknown_group(filled: Client) -> None:
    assert isinstance(run(ls, "--group", "nothing").exception, NotFoundError)


def test_a_long_list_is_cut_into_tables(filled: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ls_module, "_AT_ONCE", 2)
    lines = run(ls).stdout.splitlines()
    assert len([line for line in lines if line.startswith("run ")]) == 2


@pytest.mark.usefixtures("filled")
def test_show_prints_everything_that_is_known() -> None:
    shown = run(show, "g/bad").stdout
    assert "g/bad" in shown
    assert "job_failed: no luck" in shown
    assert BASE in shown
    assert "submitted" in shown
    assert "training file" not in shown


@pytest.mark.parametrize("width", [80, 120])
def test_show_has_the_evaluations_with_their_denominators(client: Client, width: int) -> None:
    baseline = put_evaluation(client, spec_of(BASE, shots=1), outcomes=[Outcome.UNPARSED] * 2)
    evaluated_run(client, "r", 50, [Outcome.CORRECT, Outcome.WRONG], baseline)
    shown = run(show, "g/r", width=width).stdout
    assert "1/2" in shown
    assert "0/2" in shown
    assert "2 unparsed" in shown
    assert max(map(len, shown.splitlines())) <= width


def test_show_does_not_cut_paths(client: Client) -> None:
    path = f"runs/{'x' * 100}/events.jsonl"
    put_run(client, run_of("r", RunStage.SUCCEEDED, artifacts=(path,)))
    assert f"  {client.data.url}/{path}\n" in run(show, "g/r").stdout


def test_names_are_no_markup(client: Client) -> None:
    waiting = Waiting(WaitKind.RETRY, "x", "[bold]odd[/bold] :smile:")
    put_run(client, run_of("r", RunStage.UPLOADING, waiting=waiting))
    assert "[bold]odd[/bold] :smile:" in run(show, "g/r").stdout


def test_show_takes_id_prefix_and_name(client: Client) -> None:
    run_id = put_run(client, run_of("r", RunStage.SUBMITTED))
    for text in (run_id, run_id[:6], "g/r"):
        assert json.loads(run(show, text, "--json").stdout)["run"] == run_id
    assert isinstance(run(show, "g/other").exception, NotFoundError)


def test_select_runs(client: Client) -> None:
    first, second = (put_run(client, run_of(name, RunStage.SUBMITTED)) for name in "ab")
    other = put_run(client, run_of("c", RunStage.SUBMITTED, group="h"))
    assert select_runs(client, ("g/b", first, second[:8]), None) == [second, first]
    assert select_runs(client, (), "g") == [first, second]
    assert select_runs(client, (), None, all_runs=True) == [first, second, other]
    for runs, group, all_runs in (((), None, False), (("g/a",), "g", False), ((), "g", True)):
        with pytest.raises(InvalidInputError):
            select_runs(client, runs, group, all_runs)
    with pytest.raises(NotFoundError):
        select_runs(client, (), "nothing")


def test_a_run_that_moves_is_shown_where_it_is(client: Client) -> None:
    busy = run_of("r", RunStage.TRAINING)
    put_run(client, busy)
    move_run(client, busy, RunStage.COLLECTING)
    assert json.loads(run(show, "g/r", "--json").stdout)["stage"] == "collecting"

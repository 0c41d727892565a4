"""`tuneq compare`: two runs and two groups, from hand-made predictions."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.producer.filled_store import BASE, evaluated_run, put_run, run_of

from tuneq_producer.client import Client
from tuneq_producer.commands.compare import compare
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.errors import InvalidInputError, NotFoundError

C, W = Outcome.CORRECT, Outcome.WRONG


def run(*arguments: str | Path, code: int = 0, width: int = 80) -> Result:
    words = [str(argument) for argument in arguments]
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(compare, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def document(*arguments: str, code: int = 0) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run(*arguments, "--json", code=code).stdout)
    return read


def epochs(number: int) -> dict[str, Any]:
    return {"supervised": {"hyperparameters": {"n_epochs": number}}}


def test_two_runs_sample_by_sample(client: Client) -> None:
    evaluated_run(client, "old", 50, [C] * 60 + [W] * 101, method=epochs(3))
    # Loses 6 that the old one had, wins 16: the table of Cavo 2012, turned round.
    evaluated_run(client, "new", 50, [W] * 6 + [C] * 70 + [W] * 85, method=epochs(4))
    made = document("g/old", "g/new")
    assert (made["first"], made["second"]) == ("g/old", "g/new")
    (pair,) = made["pairs"]
    assert (pair["first"]["name"], pair["second"]["name"]) == ("old", "new")
    assert (pair["first"]["accuracy"], pair["reason"]) == (60 / 161, None)
    assert pair["changed"] == {"method.supervised.hyperparameters.n_epochs": [3, 4]}
    test = pair["test"]
    assert (test["b"], test["c"], test["samples"]) == (6, 16, 161)
    assert test["difference"] == pytest.approx(1000 / 161)
    assert test["difference_interval"] == pytest.approx([0.54, 12.40], abs=0.005)
    assert test["p_value"] == pytest.approx(0.052479, abs=1e-6)
    assert test["mid_p_value"] == pytest.approx(0.034690, abs=1e-6)
    shown = run("g/old", "g/new").stdout
    assert "+6.21  +0.54 to +12.40" in shown
    assert "0.052" in shown
    assert "0.035" in shown
    assert "n_epochs" in shown


def test_groups_are_matched_by_name(client: Client) -> None:
    evaluated_run(client, "small", 50, [C] * 50 + [W] * 50, group="july")
    evaluated_run(client, "large", 100, [C] * 60 + [W] * 40, group="july")
    evaluated_run(client, "dropped", 10, [C] * 60 + [W] * 40, group="july")
    evaluated_run(client, "large", 100, [C] * 58 + [W] * 42, group="august")
    evaluated_run(client, "small", 50, [C] * 56 + [W] * 44, group="august")
    evaluated_run(client, "further", 200, [C] * 56 + [W] * 44, group="august")
    made = document("july", "august")
    tests = {pair["name"]: pair["test"]["difference"] for pair in made["pairs"]}
    assert tests == pytest.approx({"small": 6, "large": -2})
    assert (made["only_first"], made["only_second"]) == (["dropped"], ["further"])
    assert made["mean_difference"] == pytest.approx(2)
    shown = run("july", "august").stdout
    assert "A = july, B = august" in shown
    assert "B is better in 1, worse in 1 of 2 pairs; +2.00 points on average" in shown
    assert "only in A, july: dropped" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_what_cannot_be_compared_is_told_with_the_reason(client: Client, tmp_path: Path) -> None:
    evaluated_run(client, "fine", 50, [C, W], group="a")
    evaluated_run(client, "fine", 50, [W, C], group="b")
    evaluated_run(client, "moved", 50, [C, W], group="a")
    evaluated_run(client, "moved", 50, [C, W], group="b", spec={"dataset_digest": "f" * 64})
    evaluated_run(client, "rescored", 50, [C, W], group="a", spec={"scorer_version": 0})
    evaluated_run(client, "rescored", 50, [C, W], group="b")
    evaluated_run(client, "shorter", 50, [C, W], group="a")
    evaluated_run(client, "shorter", 50, [C], group="b")
    evaluated_run(client, "lost", 50, [C, W], group="a")
    put_run(
        client, run_of("lost", RunStage.FAILED, group="b", failure=Failure("job_failed", "no luck"))
    )
    made = document("a", "b", code=1)
    reasons = {pair["name"]: pair["reason"] for pair in made["pairs"]}
    assert reasons == {
        "fine": None,
        "moved": "they were scored on another dataset, limit or scorer",
        "rescored": "they were scored on another dataset, limit or scorer",
        "shorter": "their predictions are not of the same samples",
        "lost": "b/lost is failed: job_failed: no luck",
    }
    table, text = tmp_path / "c.csv", tmp_path / "c.md"
    shown = run("a", "b", "--csv", table, "--markdown", text, code=1).stdout
    assert "lost was not compared: b/lost is failed" in " ".join(shown.split())
    rows = {row["name"]: row for row in csv.DictReader(table.read_text().splitlines())}
    assert (rows["fine"]["b"], rows["fine"]["c"], rows["fine"]["reason"]) == ("1", "1", "")
    assert (rows["lost"]["second_accuracy"], rows["lost"]["p_value"]) == ("", "")
    assert rows["lost"]["reason"] == reasons["lost"]
    assert "# b against a\n" in text.read_text()
    assert "- moved was not compared: " in text.read_text()


def test_groups_without_a_common_name_are_no_error_but_not_good(client: Client) -> None:
    evaluated_run(client, "x", 50, [C], group="a")
    evaluated_run(client, "y", 50, [C], group="b")
    made = document("a", "b", code=1)
    assert (made["pairs"], made["mean_difference"]) == ([], None)
    assert "no name is in both groups" in run("a", "b", code=1).stdout
    assert document("a/x", "b/y")["pairs"][0]["name"] == "x / y"


@pytest.mark.parametrize(
    ("first", "second", "error", "words"),
    [
        ("g", "g/r", InvalidInputError, "'g' is a group and 'g/r' is a run"),
        ("g/r", "g", InvalidInputError, "'g' is a group and 'g/r' is a run"),
        ("g", "g", InvalidInputError, "both are g"),
        ("g/r", "g/r", InvalidInputError, "both are g/r"),
        ("g", "nothing", NotFoundError, "nothing"),
    ],
)
def test_what_makes_no_pair_is_refused(
    client: Client, first: str, second: str, error: type[Exception], words: str
) -> None:
    evaluated_run(client, "r", 50, [C])
    raised = CliRunner().invoke(compare, [first, second]).exception
    assert isinstance(raised, error)
    assert words in str(raised)


def test_a_run_may_be_named_by_its_id(client: Client) -> None:
    first = evaluated_run(client, "r", 50, [C, W])
    second = evaluated_run(client, "s", 50, [C, C])
    made = document(first.id, second.id)
    assert made["second"] == "g/s"
    assert made["pairs"][0]["second"]["fine_tuned_model"] == f"ft:{BASE}:s"

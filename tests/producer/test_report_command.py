"""`tuneq report`: the published experiment in small, from hand-made predictions."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    put_evaluation,
    put_run,
    run_of,
    spec_of,
)

from tuneq_producer.client import Client
from tuneq_producer.commands.report import report
from tuneq_shared.domain.evaluation import Counts, Evaluation, Outcome
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.run import Asked, Prepared
from tuneq_shared.domain.waiting import Waiting, WaitKind
from tuneq_shared.errors import NotFoundError

C, W = Outcome.CORRECT, Outcome.WRONG


def run(*arguments: str | Path, width: int = 80) -> Result:
    words = [str(argument) for argument in arguments]
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(report, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def document(*arguments: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return read


def outcomes(correct: int, of: int = 100) -> list[Outcome]:
    return [C] * correct + [W] * (of - correct)


@pytest.fixture
def baseline(client: Client) -> Evaluation:
    return put_evaluation(client, spec_of(BASE, shots=1), outcomes=outcomes(60))


def test_tuned_is_compared_with_the_baseline_sample_by_sample(
    client: Client, baseline: Evaluation
) -> None:
    mixed = [W] * 3 + [C] * 72 + [W] * 25  # loses 3 that the baseline had, wins 15
    tuned = evaluated_run(client, "r", 50, mixed, baseline)
    made = document("g")
    assert made["group"] == "g"
    assert [each["run"] for each in made["runs"]] == [tuned.id]
    (pair,) = made["comparison"]
    assert (pair["run"], pair["baseline"]) == (tuned.id, f"{BASE}:1")
    assert (pair["b"], pair["c"], pair["samples"]) == (3, 15, 100)
    assert pair["difference"] == pytest.approx(12.0)
    assert pair["p_value"] == pytest.approx(2 * (1 + 18 + 153 + 816) / 2**18)
    assert pair["mid_p_value"] == pytest.approx((2 * (1 + 18 + 153) + 816) / 2**18)
    low, high = pair["difference_interval"]
    assert 0 < low < 12 < high
    assert f"{low:+.2f} to {high:+.2f}" in run("g").stdout
    assert made["uncompared"] == []


def test_a_shared_baseline_stands_there_once(client: Client, baseline: Evaluation) -> None:
    for name in ("a", "b", "c"):
        evaluated_run(client, name, 50, outcomes(70), baseline)
    made = document("g")
    assert [each["evaluation"] for each in made["baselines"]] == [baseline.id]
    assert (made["baselines"][0]["accuracy"], made["baselines"][0]["shots"]) == (0.6, 1)
    assert len(made["comparison"]) == 3


def test_the_baseline_of_one_run_serves_the_others(client: Client, baseline: Evaluation) -> None:
    evaluated_run(client, "asks", 50, outcomes(70), baseline)
    evaluated_run(client, "does-not", 100, outcomes(80))
    assert [pair["name"] for pair in document("g")["comparison"]] == ["asks", "does-not"]


@pytest.mark.parametrize("other", [{"dataset_digest": "f" * 64}, {"limit": 9}, {"scorer": "exact"}])
def test_what_was_scored_otherwise_is_not_compared(client: Client, other: dict[str, Any]) -> None:
    different = put_evaluation(client, spec_of("rival", **other), outcomes=outcomes(60))
    evaluated_run(client, "asks", 50, outcomes(70), different)
    evaluated_run(client, "does-not", 50, outcomes(71))
    made = document("g")
    assert made["comparison"] == []
    (pair,) = made["uncompared"]
    assert (pair["name"], pair["baseline"]) == ("asks", "rival")
    assert "another dataset, limit or scorer" in pair["reason"]


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "gone"), (b"{}\n", "damaged"), (b"", "empty")]
)
def test_predictions_that_cannot_be_read_are_told_of(
    client: Client, baseline: Evaluation, content: bytes | None, reason: str
) -> None:
    evaluated_run(client, "r", 50, outcomes(70), baseline)
    path = Path(client.data.url) / (baseline.artifact or "")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    (pair,) = document("g")["uncompared"]
    assert pair["reason"] == f"the predictions of {BASE} are {reason}"
    assert reason in run("g").stdout


def test_predictions_of_other_samples_are_not_compared(
    client: Client, baseline: Evaluation
) -> None:
    evaluated_run(client, "r", 50, outcomes(70, of=99), baseline)
    assert "same samples" in document("g")["uncompared"][0]["reason"]


def test_scaling_of_a_sweep(client: Client) -> None:
    for samples, correct in ((100, 60), (200, 65), (400, 70), (800, 75)):
        evaluated_run(client, f"n{samples}", samples, outcomes(correct))
    scaling = document("g")["scaling"]
    assert scaling["points"] == [[100, 0.6], [200, 0.65], [400, 0.7], [800, 0.75]]
    assert scaling["points_per_doubling"] == pytest.approx(5)
    assert scaling["r_squared"] == pytest.approx(1)
    assert scaling["power_alpha"] == pytest.approx(0.22566081366743718)
    assert scaling["observed_last_doubling"] == pytest.approx(5)
    assert scaling["forecast"]["samples"] == 1600
    assert scaling["forecast"]["log"] == pytest.approx(0.8)
    shown = run("g").stdout
    assert "fitted: +5.00 points per doubling (R2 1.0000), 95 % +5.00 to +5.00" in shown
    assert "forecast at 1600 samples: 80.00 % (log)" in shown


def test_the_published_table(client: Client) -> None:
    published = {50: 7718, 100: 7823, 500: 8110, 1000: 8196, 2500: 8444, 5000: 8458}
    for samples, correct in published.items():
        counts = Counts(correct=correct, wrong=10_000 - correct)
        tuned = put_evaluation(client, spec_of(f"ft:{samples}"), counts=counts)
        asked = (Asked(tuned.id, f"ft:{samples}", "tuned"),)
        prepared = Prepared("e" * 64, samples, 9 * samples, "characters/4")
        put_run(client, run_of(f"n{samples}", RunStage.SUCCEEDED, asked=asked, prepared=prepared))
    scaling = document("g")["scaling"]
    assert scaling["points_per_doubling"] == pytest.approx(1.1789, abs=5e-5)
    assert scaling["r_squared"] == pytest.approx(0.9861, abs=5e-5)
    assert scaling["observed_last_doubling"] == pytest.approx(0.14)
    assert scaling["forecast"]["samples"] == 10_000
    assert scaling["forecast"]["log"] == pytest.approx(0.861, abs=5e-4)
    assert scaling["forecast"]["power"] == pytest.approx(0.857, abs=5e-4)
    shown = run("g").stdout
    assert "fitted: +1.18 points per doubling (R2 0.9861)" in shown
    assert "forecast at 10000 samples: 86.15 % (log), 85.71 % (power law)" in shown
    assert "nothing was measured there" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_the_spread_of_seeds_is_told(client: Client) -> None:
    for samples, corrects in ((100, (60, 64, 68)), (200, (70, 70, 70)), (400, (74,))):
        for seed, correct in enumerate(corrects):
            evaluated_run(client, f"n{samples}-{seed}", samples, outcomes(correct))
    three, same, one = document("g")["scaling"]["spread"]
    assert (three["samples"], three["runs"], three["mean"]) == (100, 3, pytest.approx(0.64))
    assert three["deviation"] == pytest.approx(0.04)
    assert three["interval"] == pytest.approx([0.5406, 0.7394], abs=1e-4)  # t 4.3027
    assert same["deviation"] == pytest.approx(0)
    assert (one["deviation"], one["interval"]) == (None, None)
    shown = run("g").stdout
    assert "4.00     54.06 - 73.94" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_runs_of_one_size_are_averaged(client: Client) -> None:
    evaluated_run(client, "s1", 100, outcomes(60))
    evaluated_run(client, "s2", 100, outcomes(70))
    made = document("g")
    assert made["scaling"]["points"] == [[100, pytest.approx(0.65)]]
    assert made["scaling"]["points_per_doubling"] is None
    assert made["curves"][0]["runs"] == {"100": 2}
    assert "no fit: 1 distinct numbers of samples, it takes 3" in run("g").stdout


def test_runs_without_a_result_are_named_with_the_reason(client: Client) -> None:
    evaluated_run(client, "good", 50, outcomes(70))
    put_run(client, run_of("bad", RunStage.FAILED, failure=Failure("job_failed", "no luck")))
    waiting = Waiting(WaitKind.JOB, "ftjob-1", "the job is running")
    put_run(client, run_of("busy", RunStage.TRAINING, waiting=waiting))
    put_run(client, run_of("plain", RunStage.SUCCEEDED))
    made = document("g")
    assert [(each["name"], each["stage"], each["reason"]) for each in made["missing"]] == [
        ("bad", "failed", "job_failed: no luck"),
        ("busy", "training", "the job is running"),
        ("plain", "succeeded", "no evaluation was asked for"),
    ]
    assert len(made["runs"]) == 4
    assert "Without a result: 3 of 4 runs" in run("g").stdout


def test_an_incomplete_evaluation_has_no_accuracy_anywhere(client: Client) -> None:
    half = put_evaluation(
        client,
        spec_of("ft:half"),
        EvaluationStage.INCOMPLETE,
        outcomes=[C, Outcome.ERRORED],
        failure=Failure("samples_errored", "1 of 2 samples have no answer"),
    )
    failure = Failure("evaluation_incomplete", "incomplete", "evaluating")
    asked = (Asked(half.id, "ft:half", "tuned"),)
    put_run(client, run_of("half", RunStage.FAILED, asked=asked, failure=failure))
    made = document("g")
    assert (made["scaling"]["points"], made["comparison"]) == ([], [])
    assert made["missing"][0]["reason"] == "evaluation_incomplete: incomplete"
    (row,) = rows_of_csv(run("g", "--csv", Path(client.data.url) / "r.csv"), client)
    assert (row["accuracy"], row["samples"], row["errored"]) == ("", "2", "1")


def rows_of_csv(result: Result, client: Client) -> list[dict[str, str]]:
    assert result.exit_code == 0
    text = (Path(client.data.url) / "r.csv").read_text()
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_for_each_baseline_and_each_run(client: Client, baseline: Evaluation) -> None:
    evaluated_run(client, "large", 100, outcomes(70), baseline)
    evaluated_run(client, "small", 50, outcomes(65), baseline)
    put_run(client, run_of("bad", RunStage.FAILED, failure=Failure("x", "y")))
    rows = rows_of_csv(run("g", "--csv", Path(client.data.url) / "r.csv"), client)
    assert [row["name"] for row in rows] == [BASE, "small", "large", "bad"]
    assert [row["role"] for row in rows] == ["baseline", "tuned", "tuned", "tuned"]
    assert [row["accuracy"] for row in rows] == ["0.6", "0.65", "0.7", ""]
    assert rows[2]["trained_on"] == "100"
    assert rows[2]["model"] == f"ft:{BASE}:large"
    assert rows[3]["stage"] == "failed"


def test_markdown_has_all_tables(client: Client, baseline: Evaluation, tmp_path: Path) -> None:
    for samples, correct in ((100, 60), (200, 65), (400, 70)):
        evaluated_run(client, f"n{samples}", samples, outcomes(correct), baseline)
    put_run(client, run_of("bad", RunStage.FAILED, failure=Failure("x", "a | b\nc")))
    run("g", "--markdown", tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    for heading in (
        "# g",
        "## Tuned against baseline",
        "## Outcomes of the samples",
        f"## Against {BASE}:1, sample by sample",
        f"## Training samples against accuracy: {BASE}",
        "## Without a result: 1 of 4 runs",
    ):
        assert f"{heading}\n" in text
    assert "| 70/100 |" in text
    assert "a \\| b c |" in text
    assert "estimated 1.50 USD (3 of 4 runs), actual 0.75 USD (3 of 4 runs)" in text


def test_a_report_of_one_run(client: Client, baseline: Evaluation) -> None:
    evaluated_run(client, "other", 50, outcomes(70), baseline)
    tuned = evaluated_run(client, "r", 50, outcomes(75), baseline)
    for target in ("g/r", tuned.id):
        made = document(target)
        assert (made["group"], [each["name"] for each in made["runs"]]) == (None, ["r"])
        assert len(made["comparison"]) == 1


def test_costs_are_added_up_and_say_of_how_many(client: Client) -> None:
    evaluated_run(client, "a", 50, outcomes(70))
    put_run(client, run_of("b", RunStage.TRAINING, cost_estimated=2.0))
    cost = document("g")["cost_usd"]
    assert cost == {
        "estimated": 2.5,
        "actual": 0.25,
        "runs_estimated": 2,
        "runs_actual": 1,
        "deployment": 0,
        "runs_deployment": 0,
        "evaluation": 0,
        "evaluations": 0,
        "evaluation_estimated": 0,
        "total": 0.25,
    }


def test_curves_of_different_methods_are_kept_apart(client: Client) -> None:
    evaluated_run(client, "a", 50, outcomes(70))
    other = put_evaluation(client, spec_of("ft:exact", scorer="exact"), outcomes=outcomes(50))
    stray = evaluated_run(client, "b", 100, outcomes(80))
    asked = (Asked(other.id, "ft:exact", "tuned"),)
    put_run(client, run_of("c", RunStage.SUCCEEDED, asked=asked, prepared=stray.prepared))
    curves = document("g")["curves"]
    assert [curve["scaling"]["points"] for curve in curves] == [
        [[50, 0.7], [100, 0.8]],
        [[100, 0.5]],
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_terminal(
    client: Client, baseline: Evaluation, width: int
) -> None:
    for samples, correct in ((100, 60), (200, 65), (400, 70)):
        evaluated_run(
            client, f"scienceqa-long-name-{samples}", samples, outcomes(correct), baseline
        )
    lines = run("g", width=width).stdout.splitlines()
    assert max(map(len, lines)) <= width
    assert any("70/100" in line and "70.00" in line for line in lines)


def test_an_unknown_target_is_refused(client: Client) -> None:
    error = CliRunner().invoke(report, ["nothing"]).exception
    assert isinstance(error, NotFoundError)

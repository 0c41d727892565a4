"""Accuracy by label, subject and field, from predictions whose truth is planted."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.producer.filled_store import evaluated_run, put_evaluation, spec_of

from tuneq_producer.client import Client
from tuneq_producer.commands.report import report
from tuneq_producer.commands.show import show
from tuneq_producer.report.breakdown_table import breakdown_tables
from tuneq_producer.statistics.wilson import wilson_interval
from tuneq_producer.views.breakdown import MOST, Breakdown, Confused, Part
from tuneq_producer.views.broken_down import broken_down
from tuneq_producer.views.evaluation_view import EvaluationView, evaluation_view
from tuneq_shared.domain.evaluation import Evaluation, Outcome
from tuneq_shared.domain.lifecycle import EvaluationStage

R, W, U, D = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED, Outcome.REFUSED


def put_predictions(client: Client, evaluation: Evaluation, rows: list[dict[str, Any]]) -> None:
    assert evaluation.artifact is not None
    with client.data.write(evaluation.artifact) as file:
        for sample, row in enumerate(rows):
            file.write(json.dumps({"sample": sample, "answer": "x", **row}).encode() + b"\n")


def seen(client: Client, rows: list[dict[str, Any]], scorer: str = "choice") -> EvaluationView:
    outcomes = [Outcome(row["outcome"]) for row in rows]
    evaluation = put_evaluation(client, spec_of("m", scorer=scorer), outcomes=outcomes)
    put_predictions(client, evaluation, rows)
    return broken_down(client.data, evaluation_view(evaluation))


def part(name: str, samples: int, correct: int) -> Part:
    return Part(name, samples, correct, correct / samples, wilson_interval(correct, samples))


ROWS: list[dict[str, Any]] = [
    {"outcome": R, "label": "A", "parsed": "A", "subject": "maths"},
    {"outcome": W, "label": "A", "parsed": "B", "subject": "maths"},
    {"outcome": W, "label": "A", "parsed": "B", "subject": "physics"},
    {"outcome": U, "label": "B", "parsed": None, "subject": "physics"},
    {"outcome": D, "label": "B", "parsed": None},
    {"outcome": R, "parsed": "A"},
]


def test_samples_are_counted_by_label_and_subject(client: Client) -> None:
    assert seen(client, ROWS).breakdown == Breakdown(
        labels=(part("A", 3, 1), part("B", 2, 0)),
        subjects=(part("maths", 2, 1), part("physics", 2, 0)),
        confusion=(Confused("A", "B", 2), Confused("B", None, 2), Confused("A", "A", 1)),
        omitted={},
    )


def test_data_without_any_has_none(client: Client) -> None:
    assert seen(client, [{"outcome": R, "parsed": "A"}]).breakdown is None


def test_fields_are_counted_by_all_samples_that_have_them(client: Client) -> None:
    rows: list[dict[str, Any]] = [
        {"outcome": R, "target": '{"a": 1}', "fields": {"a": True}},
        {"outcome": W, "target": '{"a": 1, "b": {"c": 2}}', "fields": {"a": True, "b.c": False}},
        {"outcome": D, "target": '{"a": 1}', "fields": None},
    ]
    found = seen(client, rows, "json").breakdown
    assert found == Breakdown(fields=(part("a", 3, 2), part("b.c", 1, 0)), omitted={})


def test_what_is_shown_is_bounded(client: Client) -> None:
    rows = [{"outcome": R, "label": f"label {n}", "parsed": str(n)} for n in range(MOST + 5)]
    found = seen(client, rows).breakdown
    assert found is not None
    assert len(found.labels) == len(found.confusion) == MOST
    assert found.omitted == {"labels": 5, "confusion": 5}


def test_of_labels_alike_in_size_the_worst_come_first(client: Client) -> None:
    labels = [f"label {n}" for n in range(40)]
    rows: list[dict[str, Any]] = [{"outcome": R, "label": label} for label in labels]
    rows += [{"outcome": W if label == "label 39" else R, "label": label} for label in labels]
    rows += [{"outcome": R, "label": "large"}] * 3
    table = next(breakdown_tables([seen(client, rows)]))
    assert [row[0] for row in table.rows[:3]] == ["large", "label 39", "label 0"]


def test_numbers_are_not_confused(client: Client) -> None:
    found = seen(client, ROWS, "numeric").breakdown
    assert found is not None
    assert found.confusion == ()


def test_damaged_predictions_are_told_of(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = put_evaluation(client, spec_of("m"), outcomes=[R])
    put_predictions(client, evaluation, [{"outcome": "odd"}])
    assert broken_down(client.data, evaluation_view(evaluation)).breakdown is None
    assert "the predictions of m are damaged" in capsys.readouterr().err
    Path(client.data.url, str(evaluation.artifact)).unlink()
    assert broken_down(client.data, evaluation_view(evaluation)).breakdown is None
    assert "are gone" in capsys.readouterr().err


def test_show_and_report_tell_them(client: Client) -> None:
    baseline = put_evaluation(client, spec_of("base", shots=1), outcomes=[W, W, W, W])
    run = evaluated_run(client, "good", 10, [R, W, W, U], baseline)
    tuned = spec_of(f"{run.fine_tuned_model}")
    scored = Evaluation(
        id=tuned.fingerprint(),
        stage=EvaluationStage.DONE,
        spec=tuned,
        artifact=f"evaluations/{tuned.fingerprint()}/predictions.jsonl",
    )
    put_predictions(client, scored, ROWS[:4])
    put_predictions(client, baseline, [{**row, "outcome": W} for row in ROWS[:4]])
    document = json.loads(CliRunner().invoke(show, ["g/good", "--json"]).stdout)
    shown = [each["breakdown"]["labels"][0] for each in document["evaluations"]]
    assert [(each["name"], each["correct"]) for each in shown] == [("A", 1), ("A", 0)]
    page = CliRunner().invoke(show, ["g/good"]).stdout
    assert "Accuracy by label, %" in page
    assert "Most often confused by tuned" in page
    document = json.loads(CliRunner().invoke(report, ["g", "--json"]).stdout)
    assert [each["role"] for each in document["breakdowns"]] == ["tuned", "baseline"]
    text = CliRunner().invoke(report, ["g"]).stdout
    rows = [line.split() for line in text.splitlines()]
    assert f"Accuracy by label, %; tuned is {run.fine_tuned_model}" in text
    assert ["A", "3", "33.33", "0.00"] in rows
    assert ["physics", "2", "0.00", "0.00"] in rows
    assert ["A", "B", "2"] in rows

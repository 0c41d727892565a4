"""`tuneq export` and the client's DataFrames."""

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    put_evaluation,
    put_run,
    run_of,
    spec_of,
)
from tests.producer.producer_site import Site

from tuneq_producer.client import Client
from tuneq_producer.commands.export import export
from tuneq_producer.export.table_files import write_table
from tuneq_producer.tables.table import Table
from tuneq_shared.domain.evaluation import Evaluation, Outcome
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.errors import InvalidInputError, NotFoundError

C, W = Outcome.CORRECT, Outcome.WRONG
TABLES = {"runs", "datasets", "evaluations", "comparisons", "curves", "fits", "step_metrics"}
STEPS = [{"step": 1, "train_loss": 2.5}, {"step": 2, "train_loss": 1.5, "valid_loss": 1.75}]


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(export, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def cells(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "csv" / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def arrow(folder: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(
        folder / "parquet" / f"{name}.parquet"
    ).to_pylist()
    return rows


@pytest.fixture
def baseline(client: Client) -> Evaluation:
    """A group of three runs trained on more and more, one of them not there yet."""
    base = put_evaluation(client, spec_of(BASE, shots=1), outcomes=[C] * 60 + [W] * 40)
    with client.data.write("runs/n100/a.metrics.jsonl") as file:
        file.writelines(json.dumps(step).encode() + b"\n" for step in STEPS)
    knobs = {"n_epochs": 3, "learning_rate_multiplier": "auto"}
    method = {"type": "supervised", "supervised": {"hyperparameters": knobs}}
    mixed = [W] * 3 + [C] * 72 + [W] * 25
    drawn = {"n": 100, "seed": 7}
    kept = ["runs/n100/a.metrics.jsonl"]
    evaluated_run(client, "n100", 100, mixed, base, method=method, samples=drawn, artifacts=kept)
    evaluated_run(client, "n200", 200, [C] * 80 + [W] * 20, base, method=method)
    evaluated_run(client, "n400", 400, [C] * 85 + [W] * 15, base, method=method)
    put_run(client, run_of("late", RunStage.TRAINING))
    return base


def test_everything_is_there_as_csv_and_as_parquet(
    client: Client, baseline: Evaluation, tmp_path: Path
) -> None:
    out = tmp_path / "made" / "here"
    told = json.loads(run("g", "--out", out, "--json").stdout)
    assert told["target"] == "g"
    assert told == json.loads((out / "export.json").read_bytes())
    predictions = {f"predictions/{row['evaluation']}" for row in cells(out, "evaluations")}
    assert set(told["rows"]) == TABLES | predictions
    assert len(predictions) == 4
    for name, rows in told["rows"].items():
        read = arrow(out, name)
        assert len(cells(out, name)) == len(read) == rows
        assert [list(row) for row in cells(out, name)] == [list(row) for row in read]
    assert not list(tmp_path.rglob(".*"))

    first = next(row for row in arrow(out, "runs") if row["name"] == "n100")
    assert (first["accuracy"], first["n_epochs"], first["samples_seed"]) == (0.72, 3, 7)
    assert first["learning_rate_multiplier"] is None
    assert first["finished_at"].isoformat() == "1970-01-01T00:00:01+00:00"
    pair = next(row for row in cells(out, "comparisons") if row["name"] == "n100")
    assert (pair["only_baseline"], pair["only_tuned"]) == ("3", "15")
    assert float(pair["difference_points"]) == pytest.approx(12)
    assert [row["accuracy"] for row in arrow(out, "curves")] == [0.72, 0.8, 0.85]
    assert arrow(out, "fits")[0]["forecast_samples"] == 800
    digests = {(row["name"], row["use"]): row["sha256"] for row in cells(out, "datasets")}
    assert digests["n100", "training sample"] == digests["n200", "training"] == "e" * 64
    assert digests["late", "training"] == digests["n100", "training"] == "a" * 64
    asked = [json.loads(line) for line in (out / "requests.jsonl").read_text().splitlines()]
    assert [each["name"] for each in asked] == ["n100", "n200", "n400", "late"]
    states = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert states[3]["stage"] == "training"
    assert json.loads((out / "report.json").read_bytes())["group"] == "g"


def test_an_export_replaces_nothing_unasked_and_no_other_folder_ever(
    client: Client, baseline: Evaluation, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run("g/n100", "--out", out, "--no-parquet")
    assert not (out / "parquet").exists()
    with pytest.raises(InvalidInputError, match="exists already"):
        run("g", "--out", out)
    run("g", "--out", out, "--force")
    assert len(cells(out, "runs")) == 4
    (out / "csv" / "notes.txt").write_text("mine")
    with pytest.raises(InvalidInputError, match=r"notes\.txt is of no export"):
        run("g", "--out", out, "--force")
    (out / "csv" / "notes.txt").rename(out / "notes.txt")
    with pytest.raises(InvalidInputError, match=r"notes\.txt is of no export"):
        run("g", "--out", out, "--force")
    (out / "notes.txt").unlink()
    (out / "export.json").write_text('{"name": "another program"}')
    with pytest.raises(InvalidInputError, match="is no export"):
        run("g", "--out", out, "--force")
    assert len(cells(out, "runs")) == 4


def test_what_goes_wrong_leaves_the_earlier_export(
    client: Client, baseline: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run("g/n100", "--out", out, "--no-parquet")

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tuneq_producer.export.exporting.write_table", full)
    with pytest.raises(InvalidInputError, match="No space left"):
        run("g", "--out", out, "--force", "--no-parquet")
    assert len(cells(out, "runs")) == 1
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(("content", "reason"), [(None, "not there"), (b'{"a": 1}\n', "damaged")])
def test_predictions_that_cannot_be_read_are_told_of(
    client: Client, baseline: Evaluation, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = Path(client.data.url) / str(baseline.artifact)
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(whole + content)
    out = tmp_path / "out"
    result = run("g", "--out", out, "--no-parquet", code=1)
    assert reason in result.stderr
    (missing,) = json.loads((out / "export.json").read_bytes())["missing"]
    assert missing["evaluation"] == baseline.id
    assert not (out / "csv" / "predictions" / f"{baseline.id}.csv").exists()


def test_exported_requests_are_the_same_runs_again(site: Site) -> None:
    """Submitted as a manifest, that is, as the page of a report says, too."""
    files = ("--train", site.data("t.jsonl"), "--evaluate", site.data("e.jsonl"))
    (made,) = site.ids(*files, "--model", "m", "--group", "g", "--name", "n", "--samples", "10")
    assert site.tuneq("export", "g", "--out", "out").exit_code == 0
    assert site.ids("--manifest", "out/requests.jsonl") == [made]
    assert site.runs() == [made]


def test_the_documented_notebook(
    client: Client, baseline: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "producers.md").read_text()
    (example,) = re.findall(r"```python\n(from tuneq_producer.*?)```", text, re.DOTALL)
    exec(compile(example.replace('"shop"', '"g"'), "producers.md", "exec"), {})  # noqa: S102 - ours
    assert "n400" in capsys.readouterr().out


def test_without_pyarrow_it_says_what_to_do(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(InvalidInputError, match="pyarrow") as caught:
        run("g", "--out", tmp_path / "out")
    assert "--no-parquet" in caught.value.hint


def test_frames(client: Client, baseline: Evaluation) -> None:
    runs = client.runs_frame("g").set_index("name")
    assert runs.loc["n200", "accuracy"] == 0.8
    assert str(runs["samples"].dtype) == "Int64"
    assert runs["samples"].isna()["late"]
    evaluations = client.evaluations_frame("g")
    assert evaluations["role"].value_counts().to_dict() == {"tuned": 3, "baseline": 1}
    answers = client.predictions_frame(baseline.id)
    assert (answers["outcome"] == "correct").mean() == 0.6
    assert client.comparisons_frame("g")["only_tuned"].tolist() == [15, 20, 25]
    assert client.curves_frame("g")["samples"].tolist() == [100, 200, 400]
    assert client.step_metrics_frame("g")["train_loss"].tolist() == [2.5, 1.5]
    assert client.step_metrics_frame("g/late").empty
    with pytest.raises(NotFoundError):
        client.predictions_frame("nothing")
    with pytest.raises(NotFoundError):
        client.runs_frame("nothing")


def test_line_ends_within_a_cell_stay_there(tmp_path: Path) -> None:
    rows = [("a\rb", "c\nd"), ("e\r\nf", "")]
    assert write_table(tmp_path, Table("t", {"x": str, "y": str}, rows), parquet=False) == 2
    assert [tuple(row.values()) for row in cells(tmp_path, "t")] == rows

"""`tuneq mistakes`: what went wrong, from hand-made predictions and their dataset."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    put_away,
    put_evaluation,
    put_run,
    request,
    run_of,
    spec_of,
)

from tuneq_producer.client import Client
from tuneq_producer.commands.mistakes import mistakes
from tuneq_shared.data.chat import ChatLine, read_chat
from tuneq_shared.data.rules import Use
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import EvaluationStage, RunStage
from tuneq_shared.domain.run import Asked
from tuneq_shared.errors import NotFoundError, TuneqError, UnreadableError

C, W, U, R = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED, Outcome.REFUSED

DATASET = "eval.jsonl"
SPEC: dict[str, Any] = {"dataset": f"data:{DATASET}"}
TUNED = [C, W, U, R, C, W]
BASELINE = [W, C, W, C, C, W]
LABELS = ["x", "x", "x", "y", "y", None]


def line(sample: int) -> dict[str, Any]:
    label = LABELS[sample % len(LABELS)]
    return {
        "messages": [
            {"role": "system", "content": "Answer."},
            {"role": "user", "content": f"Question {sample}?\nNow\x1b[2J"},
            {"role": "assistant", "content": "A"},
        ],
        **({"metadata": {"label": label, "note": "mine"}} if label else {}),
    }


def put_dataset(client: Client, samples: int) -> None:
    with client.data.write(DATASET) as file:
        for sample in range(samples):
            file.write(json.dumps(line(sample)).encode() + b"\n")
            file.write(b"\n" if sample == 0 else b"")


def predictions(evaluation: str) -> str:
    return f"evaluations/{evaluation}/predictions.jsonl"


def predict(client: Client, evaluation: str, outcomes: Sequence[Outcome]) -> None:
    with client.data.write(predictions(evaluation)) as file:
        for sample, outcome in enumerate(outcomes):
            answer = None if outcome is R else "B"
            row = {"sample": sample, "outcome": outcome, "answer": answer, "target": "A"}
            label = LABELS[sample % len(LABELS)]
            file.write(json.dumps({**row, "label": label}).encode() + b"\n")


@pytest.fixture
def filled(client: Client) -> Client:
    """A run with three baselines, the first of which is scored otherwise."""
    put_dataset(client, len(TUNED))
    other, one, last = (
        put_evaluation(client, spec_of(BASE, **SPEC, limit=3), outcomes=[C, C, C]),
        put_evaluation(client, spec_of(BASE, shots=1, **SPEC), outcomes=BASELINE),
        put_evaluation(client, spec_of("larger", **SPEC), outcomes=[C] * 6),
    )
    run = evaluated_run(client, "good", 50, TUNED, other, one, last, spec=SPEC)
    predict(client, run.asked[0].evaluation, TUNED)
    return client


def run(*arguments: object, width: int = 80) -> Result:
    words = [str(argument) for argument in arguments]
    result = CliRunner(env={"COLUMNS": str(width)}).invoke(mistakes, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def document(*arguments: object) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return read


def refused(*arguments: object) -> TuneqError:
    with pytest.raises(TuneqError) as caught:
        run(*arguments)
    return caught.value


@pytest.mark.usefixtures("filled")
def test_mistakes_are_counted_and_set_against_a_baseline() -> None:
    made = document("g/good")
    assert (made["model"], made["baseline"]) == (f"ft:{BASE}:good", f"{BASE}:1")
    assert made["note"] == "--baseline chooses another one: larger"
    assert made["total"] == {
        "name": None,
        "samples": 6,
        "mistakes": 4,
        "wrong": 2,
        "unparsed": 1,
        "refused": 1,
        "errored": 0,
        "fixed": 1,
        "broken": 2,
        "both_wrong": 2,
    }
    assert made["by"] == "label"
    groups = [(g["name"], g["samples"], g["mistakes"], g["broken"]) for g in made["groups"]]
    assert groups == [("x", 3, 2, 1), (None, 1, 1, 0), ("y", 2, 1, 1)]
    told = [(m["sample"], m["outcome"], m["against"]) for m in made["mistakes"]]
    assert told == [
        (1, "wrong", "broken"),
        (3, "refused", "broken"),
        (2, "unparsed", "both_wrong"),
        (5, "wrong", "both_wrong"),
    ]
    first = made["mistakes"][0]
    assert (first["prompt"], first["target"], first["answer"]) == (
        "Question 1?\nNow\x1b[2J",
        "A",
        "B",
    )


@pytest.mark.usefixtures("filled")
def test_the_table_fits_and_steers_no_terminal() -> None:
    shown = run("g/good", "--limit", 2).stdout
    assert "4 of 6 samples are mistakes: 2 wrong, 1 unparsed, 1 refused" in shown
    assert f"against {BASE}:1: 1 fixed, 2 broken, 2 both wrong" in shown
    assert "2 samples, 2 more" in shown
    assert "Question 1? Now" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_an_archived_run_tells_the_same(filled: Client) -> None:
    before = run("g/good", "--json").stdout
    put_away(filled)
    assert run("g/good", "--json").stdout == before


@pytest.mark.usefixtures("filled")
def test_another_baseline_is_named() -> None:
    made = document("g/good", "--baseline", "larger", "--limit", 0)
    assert (made["total"]["fixed"], made["total"]["broken"]) == (0, 4)
    assert made["mistakes"] == []
    unknown = refused("g/good", "--baseline", "smaller")
    assert unknown.exit_code == 2
    assert unknown.hint == f"its baselines are: {BASE}, {BASE}:1, larger"
    assert "scored on another dataset, limit" in refused("g/good", "--baseline", BASE).message


@pytest.mark.usefixtures("filled")
def test_mistakes_as_chat_lines(tmp_path: Path) -> None:
    out = tmp_path / "wrong.jsonl"
    told = run("g/good", "--out", out, "--limit", 1)
    assert f"wrote 4 chat lines to {out}" in told.stderr
    lines = [json.loads(each) for each in out.read_text().splitlines()]
    assert [each["messages"] for each in lines] == [line(n)["messages"] for n in (1, 2, 3, 5)]
    assert lines[2]["metadata"] == {
        "label": "y",
        "note": "mine",
        "mistake": {"sample": 3, "outcome": "refused", "against": "broken", "answer": None},
    }
    with out.open("rb") as file:
        assert all(isinstance(each, ChatLine) for _, each in read_chat(file, Use.TRAIN))
    before = out.read_bytes()
    assert "exists already" in refused("g/good", "--out", out).message
    run("g/good", "--out", out, "--force")
    assert out.read_bytes() == before


def test_without_a_baseline(client: Client) -> None:
    put_dataset(client, 2)
    one = evaluated_run(client, "one", 50, [C, W], spec=SPEC)
    made = document("g/one")
    assert (made["baseline"], made["note"]) == (None, "the run has no baseline to set it against")
    assert (made["total"]["mistakes"], made["total"]["fixed"], made["by"]) == (1, None, None)
    assert made["mistakes"][0]["against"] is None
    assert "the run has no baseline" in run("g/one").stdout
    assert refused("g/one", "--baseline", BASE).hint == "its baselines are: none"
    assert (one.id, 0) == (made["run"], made["omitted"])


def test_without_an_evaluation(client: Client) -> None:
    put_run(client, run_of("plain", RunStage.SUCCEEDED))
    assert isinstance(refused("g/plain"), NotFoundError)
    wanted = request("later", evaluation={"dataset": "data:eval.jsonl"})
    failed = Failure("job_failed", "no luck")
    put_run(client, run_of("later", RunStage.FAILED, request=wanted, failure=failed))
    assert refused("g/later").message == (
        "g/later is not evaluated yet: it is failed (job_failed: no luck)"
    )
    going = put_evaluation(client, spec_of("m", **SPEC), EvaluationStage.RUNNING)
    asked = (Asked(going.id, "m", "tuned"),)
    put_run(client, run_of("going", RunStage.EVALUATING, asked=asked))
    error = refused("g/going")
    assert (error.exit_code, error.hint) == (2, "`tuneq wait g/going` waits for it")


def test_files_that_do_not_fit_are_told(client: Client) -> None:
    base = put_evaluation(client, spec_of(BASE, **SPEC), outcomes=[C, W, W])
    one = evaluated_run(client, "one", 50, [C, W, W], base, spec=SPEC)
    tuned = one.asked[0].evaluation
    assert isinstance(refused("g/one"), NotFoundError)  # no dataset
    put_dataset(client, 2)
    assert "fewer samples" in refused("g/one").message
    with client.data.write(DATASET) as file:
        file.writelines(json.dumps(line(0)).replace('"A"', '"C"').encode() + b"\n" for _ in "abc")
    assert "sample 1 of the dataset is not what it was" in refused("g/one").message
    put_dataset(client, 3)
    predict(client, base.id, [C, W])
    assert "not of the same samples" in refused("g/one").message
    with client.data.write(predictions(tuned)) as file:
        file.write(b"{")
    assert isinstance(refused("g/one"), UnreadableError)

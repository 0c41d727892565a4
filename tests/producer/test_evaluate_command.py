"""`tuneq evaluate`, with the part of the workers played by the test."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.producer.filled_store import bring, put_evaluation, put_shards
from tests.producer.looks_script import play

from tuneq_producer.client import Client
from tuneq_producer.commands.evaluate import evaluate
from tuneq_producer.views import polling
from tuneq_shared.data.digest import sha256_of_stream
from tuneq_shared.data_root import staged_path
from tuneq_shared.domain.account import AccountState
from tuneq_shared.domain.evaluation import Counts, Evaluation, EvaluationSpec
from tuneq_shared.domain.failure import Failure
from tuneq_shared.domain.lifecycle import AccountStage, EvaluationStage
from tuneq_shared.domain.record import document
from tuneq_shared.errors import (
    ConfigurationError,
    InvalidInputError,
    NotFoundError,
    TimeoutPassedError,
)
from tuneq_shared.evaluations import new_evaluation
from tuneq_shared.ports.items import Asked as AskedOfItem
from tuneq_shared.ports.items import Commit, NewItem

DONE = Counts(correct=8, wrong=2, strict=7)
LINE = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "A"}]}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "val.jsonl"
    path.write_text(json.dumps(LINE) + "\n")
    return path


@pytest.fixture
def spec(dataset: Path) -> EvaluationSpec:
    with dataset.open("rb") as file:
        digest = sha256_of_stream(file)
    return EvaluationSpec(
        account="sandbox",
        model="m",
        dataset=f"sha256:{digest}",
        dataset_digest=digest,
        scorer="choice",
        max_tokens=8,
        temperature=0.0,
    )


def run(dataset: Path | str, *arguments: str) -> Result:
    options = ["--model", "m", "--dataset", str(dataset), "--scorer", "choice", "--max-tokens", "8"]
    return CliRunner().invoke(evaluate, [*options, *arguments])


def ended(spec: EvaluationSpec, stage: EvaluationStage, **fields: Any) -> Evaluation:
    return Evaluation(id=spec.fingerprint(), stage=stage, spec=spec, **fields)


def asked_of(client: Client, spec: EvaluationSpec) -> str | None:
    (record,) = client.catalogue.read([new_evaluation(spec).item])
    assert record is not None
    return record.asked


def test_the_result_is_awaited_and_printed(
    client: Client, dataset: Path, spec: EvaluationSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = ended(spec, EvaluationStage.RUNNING, shards=2)

    def begin() -> None:
        put_shards(client, running, done=1)
        bring(client, running, EvaluationStage.PENDING)

    def end() -> None:
        client.items.wake([running.item])
        done = ended(spec, EvaluationStage.DONE, counts=DONE, artifact="evaluations/x.jsonl")
        bring(client, done, EvaluationStage.RUNNING)

    play(monkeypatch, [begin, end])
    result = run(dataset, "--json")
    assert result.exit_code == 0
    seen = json.loads(result.stdout)
    assert (seen["model"], seen["samples"], seen["correct"], seen["strict"]) == ("m", 10, 8, 7)
    assert seen["accuracy"] == 0.8
    assert seen["interval"] == pytest.approx([0.490162, 0.943318], abs=1e-6)
    assert seen["reused"] is False
    assert seen["evaluation"] == spec.fingerprint()
    assert "running, 1 of 2 shards" in result.stderr
    assert "no worker is at work on the queue evaluation" in result.stderr
    assert client.data.exists(staged_path(spec.dataset_digest))


def test_an_earlier_result_is_used_and_said_to_be(
    client: Client, dataset: Path, spec: EvaluationSpec
) -> None:
    put_evaluation(client, spec, counts=DONE, artifact="evaluations/x.jsonl")
    assert json.loads(run(dataset, "--json").stdout)["reused"] is True
    shown = run(dataset).stdout
    assert "8/10" in shown
    assert "80.00" in shown
    assert "reused" in shown
    assert f"predictions: {client.data.url}/evaluations/x.jsonl" in shown


def test_fresh_asks_for_another(
    client: Client, dataset: Path, spec: EvaluationSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_evaluation(client, spec, counts=DONE)
    play(monkeypatch, [lambda: None] * 9)
    assert isinstance(run(dataset, "--fresh", "--timeout", "1").exception, TimeoutPassedError)


def test_an_incomplete_one_is_taken_up_again_and_ends_with_1(
    client: Client, dataset: Path, spec: EvaluationSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = Failure("samples_errored", "1 of 10 samples have no answer")
    bad = ended(
        spec, EvaluationStage.INCOMPLETE, counts=Counts(correct=9, errored=1), failure=failure
    )
    put_evaluation(client, spec, EvaluationStage.INCOMPLETE, counts=bad.counts, failure=failure)
    play(monkeypatch, [lambda: bring(client, bad, EvaluationStage.PENDING)])
    result = run(dataset)
    assert result.exit_code == 1
    assert "samples_errored: 1 of 10 samples have no answer" in result.stdout


def test_the_mode_is_of_whoever_came_first(
    client: Client, dataset: Path, spec: EvaluationSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    batched = replace(spec, mode="batch")
    client.items.join(new_evaluation(batched), "run:another", ())
    done = ended(batched, EvaluationStage.DONE, counts=DONE, cost_usd=0.00125)
    play(monkeypatch, [lambda: bring(client, done, EvaluationStage.PENDING)])
    result = run(dataset)
    assert result.exit_code == 0
    assert "asked for before, in mode batch; --fresh asks anew" in result.stderr
    assert "in batches, 0.0013 USD" in " ".join(result.stdout.split())


def test_batches_are_refused_where_the_account_has_none(
    client: Client, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEQ_ACCOUNTS__SANDBOX__CAPABILITIES__BATCH", "false")
    error = run(dataset, "--mode", "batch").exception
    assert isinstance(error, InvalidInputError)
    assert "sandbox has no batches" in error.message


def test_after_the_timeout_nobody_wants_it(
    client: Client, dataset: Path, spec: EvaluationSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(monkeypatch, [lambda: None] * 9)
    error = run(dataset, "--timeout", "1").exception
    assert isinstance(error, TimeoutPassedError)
    assert asked_of(client, spec) == AskedOfItem.CANCEL


def test_ctrl_c_leaves_it_to_those_who_want_it_too(
    client: Client, dataset: Path, spec: EvaluationSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.items.join(new_evaluation(spec), "run:another", ())

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(polling, "sleep", interrupt)
    assert run(dataset).exit_code != 0
    assert asked_of(client, spec) is None
    client.items.leave(new_evaluation(spec).item, "run:another")
    assert asked_of(client, spec) == AskedOfItem.CANCEL


def test_a_stopped_account_is_told_of(
    client: Client, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = Failure("quota", "the money is used up")
    stopped = AccountState(id="sandbox", stage=AccountStage.STOPPED, failure=failure)
    client.items.create(
        [NewItem(item=stopped.item, stage=AccountStage.ACTIVE, fixed={}, doc=document(stopped))]
    )
    claim = client.items.claim(stopped.item, 30)
    assert claim is not None
    client.items.commit(
        claim, Commit(stage=AccountStage.STOPPED, doc=document(stopped), delay_s=60)
    )
    play(monkeypatch, [lambda: None] * 9)
    result = run(dataset, "--timeout", "1")
    assert "account sandbox is stopped: the money is used up" in result.stderr


def test_shots_come_from_a_file_that_is_staged(
    client: Client, dataset: Path, spec: EvaluationSpec, tmp_path: Path
) -> None:
    train = tmp_path / "train.jsonl"
    train.write_text(json.dumps(LINE) * 2 + "\n")
    with train.open("rb") as file:
        digest = sha256_of_stream(file)
    wanted = replace(spec, shots=2, shots_from=f"sha256:{digest}", shots_digest=digest)
    put_evaluation(client, wanted, counts=DONE)
    result = run(dataset, "--shots", "2", "--shots-from", str(train), "--json")
    seen = json.loads(result.stdout)
    assert (seen["shots"], seen["reused"]) == (2, True)
    assert client.data.exists(staged_path(digest))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--shots", "1"], InvalidInputError),
        (["--shots-from", "val.jsonl"], InvalidInputError),
        (["--account", "nothing"], ConfigurationError),
    ],
)
def test_wrong_usage_is_refused(
    client: Client, dataset: Path, arguments: list[str], error: type[Exception]
) -> None:
    assert isinstance(run(dataset, *arguments).exception, error)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.jsonl", InvalidInputError),
        ("file-abc", InvalidInputError),
        (f"sha256:{'0' * 64}", NotFoundError),
        ("data:missing.jsonl", NotFoundError),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    client: Client, name: str, error: type[Exception]
) -> None:
    assert isinstance(run(name).exception, error)

"""`tuneq submit` with flags, on a real Redis and a real data root."""

import gzip
import json
from pathlib import Path

import pytest
from tests.producer.producer_site import Site

from tuneq_shared.domain.item import Queue
from tuneq_shared.domain.lifecycle import RunStage


def test_a_run_is_created_with_its_files_staged(site: Site) -> None:
    train, evaluation = site.data("t.jsonl"), site.data("e.jsonl", 5)
    (run,) = site.ids("--train", train, "--model", "m", "--evaluate", evaluation, "--epochs", 3)
    stored = site.run(run)
    assert stored.stage is RunStage.SUBMITTED
    assert stored.account == "main"
    assert stored.request.evaluation is not None
    dataset = stored.request.evaluation.dataset
    for reference, path in ((stored.request.training_file, train), (dataset, evaluation)):
        kind, digest = reference.split(":")
        assert kind == "sha256"
        staged = site.folder / "tuneq-data" / "datasets" / f"{digest}.jsonl"
        assert staged.read_bytes() == path.read_bytes()


def test_every_flag_reaches_the_request(site: Site) -> None:
    data = site.data("t.jsonl"), site.data("v.jsonl"), site.data("e.jsonl")
    words = [
        *("--train", data[0], "--validation", data[1], "--model", "m", "--account", "other"),
        *("--suffix", "s", "--epochs", "auto", "--batch-size", 4),
        *("--learning-rate-multiplier", 0.5, "--name", "n", "--group", "g"),
        *("--evaluate", data[2], "--baseline", "ft:m:org::id:3", "--baseline", "ft:m:org::id"),
        *("--scorer", "choice", "--max-tokens", 8, "--temperature", 0.5, "--limit", 3),
        *("--mode", "batch"),
        *("--samples", 12, "--seed", 7, "--budget", 2.5, "--label", "team=qa=1"),
        *("--priority", "high", "--idempotency-key", "k"),
    ]
    (run,) = site.ids(*words)
    request = site.run(run).request
    assert request.method.supervised.hyperparameters.model_dump(exclude_none=True) == {
        "n_epochs": "auto",
        "batch_size": 4,
        "learning_rate_multiplier": 0.5,
    }
    assert request.samples is not None
    assert (request.seed, request.samples.n, request.samples.seed) == (7, 12, 7)
    assert request.evaluation is not None
    assert [(b.model, b.shots) for b in request.evaluation.baselines] == [
        ("ft:m:org::id", 3),
        ("ft:m:org::id", 0),
    ]
    assert (request.evaluation.scorer, request.evaluation.max_tokens) == ("choice", 8)
    assert (request.evaluation.temperature, request.evaluation.limit) == (0.5, 3)
    assert request.evaluation.mode == "batch"
    assert (request.name, request.group, request.account, request.suffix) == (
        "n",
        "g",
        "other",
        "s",
    )
    assert (request.budget_usd, request.labels, request.priority) == (2.5, {"team": "qa=1"}, "high")
    assert request.idempotency_key == "k"


def test_preference_pairs_are_trained_on_by_their_method(site: Site) -> None:
    said = [[{"role": "assistant", "content": text}] for text in ("yes", "no")]
    pairs = [
        {
            "input": {"messages": [{"role": "user", "content": f"question {number}"}]},
            "preferred_output": said[0],
            "non_preferred_output": said[1],
        }
        for number in range(10)
    ]
    path = site.folder / "pairs.jsonl"
    path.write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs))
    words = ("--train", path, "--model", "m", "--method", "dpo", "--hyperparameter", "beta=0.2")
    (run,) = site.ids(*words, "--epochs", 2)
    method = site.run(run).request.method
    assert (method.type, method.dpo.hyperparameters.beta) == ("dpo", 0.2)
    assert method.hyperparameters.n_epochs == 2
    refused = site.tuneq("submit", "--train", path, "--model", "m")
    assert "for the method dpo" in refused.stderr
    chat = site.tuneq("submit", *("--train", site.data("t.jsonl"), *words[2:]))
    assert "a supervised chat line" in chat.stderr
    assert "--method dpo` finds all" in chat.stderr
    both = ("--validation", site.data("e.jsonl"), "--evaluate", site.data("e.jsonl"))
    for train in (path, "file-abc"):
        refused = site.tuneq("submit", "--train", train, *words[2:], *both)
        assert "e.jsonl:1: the line is a supervised chat line" in refused.stderr


def test_the_sample_has_a_seed_of_its_own_where_one_is_given(site: Site) -> None:
    train = site.data("t.jsonl")
    words = ("--train", train, "--model", "m", "--samples", 12, "--seed", 7, "--sample-seed", 1)
    request = site.run(site.ids(*words)[0]).request
    assert request.samples is not None
    assert (request.seed, request.samples.seed) == (7, 1)


def test_the_same_content_is_the_same_run_whatever_the_file_is_called(site: Site) -> None:
    train = site.data("t.jsonl")
    packed = site.folder / "u.jsonl.gz"
    packed.write_bytes(gzip.compress(train.read_bytes()))
    first = site.tuneq("submit", "--train", train, "--model", "m", "--json")
    again = site.tuneq("submit", "--train", packed, "--model", "m", "--account", "main", "--json")
    made, known = json.loads(first.stdout), json.loads(again.stdout)
    assert made == {**known, "created": True}
    assert made["group"] == "default"
    assert made["name"] == made["run"]
    assert not known["created"]
    assert "1 of 1 were there already" in again.stderr


def test_the_same_key_with_another_content_is_refused(site: Site) -> None:
    train = site.data("t.jsonl")
    (run,) = site.ids("--train", train, "--model", "m", "--idempotency-key", "k")
    words = ("--train", train, "--model", "other", "--idempotency-key", "k", "--json")
    result = site.tuneq("submit", *words)
    assert result.exit_code == 2
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "conflict"
    assert run in error["message"]
    assert error["hint"]


def test_a_name_is_unique_within_its_group(site: Site) -> None:
    train = site.data("t.jsonl")
    site.ids("--train", train, "--model", "m", "--group", "g", "--name", "n")
    site.ids("--train", train, "--model", "other", "--group", "h", "--name", "n")
    words = ("--train", train, "--model", "other", "--group", "g", "--name", "n")
    result = site.tuneq("submit", *words)
    assert result.exit_code == 2
    assert "group g has another run of the name n" in result.stderr
    assert len(site.runs()) == 2


def test_a_file_with_errors_is_refused_with_its_lines(site: Site) -> None:
    train = site.data("t.jsonl")
    with train.open("a") as file:
        file.write('{"messages": []}\nnot json\n')
    result = site.tuneq("submit", "--train", train, "--model", "m")
    assert result.exit_code == 2
    assert f"{train}:21: " in result.stderr
    assert f"{train}:22: " in result.stderr
    assert f"`tuneq check {train}`" in result.stderr
    assert site.runs() == []
    assert not (site.folder / "tuneq-data").exists()


def test_leakage_is_told_and_does_not_hinder(site: Site) -> None:
    train = site.data("t.jsonl")
    result = site.tuneq("submit", "--train", train, "--model", "m", "--evaluate", train)
    assert result.exit_code == 0
    assert "20 lines: overlap_line" in result.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--model", "m"), "--train"),
        (("--train", "t.jsonl"), "--model"),
        (("--train", "absent.jsonl", "--model", "m"), "absent.jsonl cannot be read"),
        (("--train", "t.jsonl", "--model", "m", "--account", "who"), "'who' is not configured"),
        (("--train", "t.jsonl", "--model", "m", "--samples", "21"), "t.jsonl has 20 lines"),
        (("--train", "t.jsonl", "--model", "m", "--samples", "9"), "fewer than 10"),
        (("--train", "t.jsonl", "--model", "m", "--sample-seed", "9"), "needs '--samples'"),
        (("--train", "t.jsonl", "--model", "m", "--baseline", "b"), "'--baseline' needs"),
        (("--train", "t.jsonl", "--model", "m", "--max-tokens", "1"), "'--max-tokens' needs"),
        (("--train", "t.jsonl", "--model", "m", "--epochs", "0"), "n_epochs"),
        (("--train", "t.jsonl", "--model", "m", "--epochs", "few"), "neither a number nor auto"),
        (("--train", "t.jsonl", "--model", "m", "--label", "qa"), "NAME=VALUE"),
        (("--train", "t.jsonl", "--model", "m", "--name", "a/b"), "name: "),
        (("--train", "file-abc", "--model", "m", "--samples", "20"), "samples: not with file-abc"),
        (("--train", "file-abc", "--model", "m", "--budget", "20"), "budget_usd: not with"),
        (("--train", "data:absent.jsonl", "--model", "m"), "data:absent.jsonl is not there"),
        (("--train", "https://example.org/x", "--model", "m"), "allowed root"),
        (("--manifest", "m.csv", "--model", "m"), "leave the other options out"),
    ],
)
def test_wrong_usage_leaves_with_2_and_changes_nothing(
    site: Site, words: tuple[str, ...], complaint: str
) -> None:
    site.data("t.jsonl")
    result = site.tuneq("submit", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr
    assert site.runs() == []


def test_other_hyperparameters_reach_an_account_that_takes_them(site: Site) -> None:
    config = site.folder / "tuneq.toml"
    config.write_text(
        f'{config.read_text()}[accounts.neb]\ndialect = "nebius"\nbase_url = "https://n.invalid"\n'
    )
    words = ["--train", site.data("t.jsonl"), "--model", "m", "--account", "neb", "--epochs", 2]
    for given in ("lora=true", "lora_r=16", "learning_rate=1e-5"):
        words += ["--hyperparameter", given]
    (run,) = site.ids(*words)
    knobs = site.run(run).request.method.supervised.hyperparameters
    assert knobs.model_dump(exclude_none=True) == {
        "n_epochs": 2, "lora": True, "lora_r": 16, "learning_rate": 1e-5,
    }  # fmt: skip
    refused = site.tuneq("submit", *words, "--hyperparameter", "lora_q=1")
    assert refused.exit_code == 2
    assert "lora_q: unknown field" in refused.stderr


def test_the_providers_own_file_is_taken_as_it_is(site: Site) -> None:
    (run,) = site.ids("--train", "file-abc", "--model", "m")
    assert site.run(run).request.training_file == "file-abc"


def test_a_staged_file_is_named_by_its_digest(site: Site) -> None:
    train = site.data("t.jsonl")
    (run,) = site.ids("--train", train, "--model", "m")
    reference = site.run(run).request.training_file
    assert site.ids("--train", reference, "--model", "m") == [run]


def test_a_missing_worker_is_told(site: Site) -> None:
    train = site.data("t.jsonl")
    words = ("submit", "--train", train, "--model", "m", "--evaluate", site.data("e.jsonl"))
    assert "no worker is at work on the queue runs" in site.tuneq(*words).stderr
    site.worker("w1", Queue.RUNS, main="the key is missing")
    told = site.tuneq(*words).stderr
    assert "queue runs" not in told
    assert "queue evaluation" in told
    assert "no worker can use account main: the key is missing" in told
    site.worker("w2", Queue.EVALUATION, main="")
    assert "warning" not in site.tuneq(*words).stderr


def test_a_rehearsal_needs_no_redis_and_makes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://127.0.0.1:1/0")
    train = site.data("t.jsonl")
    words = ("submit", "--train", train, "--model", "m", "--samples", 10, "--dry-run", "--json")
    result = site.tuneq(*words)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["rows"], document["runs"], document["groups"]) == (1, 1, {"default": 1})
    # Half of the lines, three epochs, 100 USD a million.
    assert document["cost_usd"] == pytest.approx(document["training_tokens"] / 10_000)
    assert document["training_tokens"] > 0
    assert not (site.folder / "tuneq-data").exists()


def test_another_data_root_than_the_known_one_is_refused(site: Site, tmp_path: Path) -> None:
    train = site.data("t.jsonl")
    site.ids("--train", train, "--model", "m")
    config = site.folder / "tuneq.toml"
    config.write_text(f'data_url = "{tmp_path / "elsewhere"}"\n{config.read_text()}')
    result = site.tuneq("submit", "--train", train, "--model", "other")
    assert result.exit_code == 2
    assert "not the one that this Redis knows" in result.stderr
    assert len(site.runs()) == 1

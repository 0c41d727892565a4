"""`tuneq check` as it is typed."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tuneq_producer.commands.check import check
from tuneq_shared.errors import ConfigurationError, InvalidInputError


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(check, [str(argument) for argument in arguments])


def write(path: Path, *questions: str) -> Path:
    """A file of ten sound lines, and lines with these questions."""
    lines = [
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": "A"},
                ]
            }
        )
        for question in [*(f"{path.stem} {number}" for number in range(10)), *questions]
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return write(tmp_path / "train.jsonl")


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "tuneq.toml"
    config.write_text(
        'default_account = "dear"\n'
        '[accounts.dear]\nbase_url = "https://example.org"\n'
        '[accounts.dear.prices."tiny"]\ntraining = 1000000.0\n'
        '[accounts.bare]\nbase_url = "https://example.org"\n'
    )
    monkeypatch.setenv("TUNEQ_CONFIG", str(config))


def test_a_sound_file_leaves_with_0(train: Path) -> None:
    result = run(train)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "ok: 0 errors, 0 warnings"
    assert "characters/4" in result.stdout


def test_errors_leave_with_1_and_are_shown_where_they_are(train: Path) -> None:
    with train.open("a") as stream:
        stream.write("{'messages': []}\n")
    result = run(train)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{train}:11: error not_json not JSON at column 2")
    assert result.stdout.splitlines()[-1] == "not ok: 1 errors, 0 warnings"


def test_findings_about_a_whole_file_have_no_line(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    result = run(empty)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{empty}: error too_few")


def test_leakage_is_a_warning_and_with_strict_an_error(tmp_path: Path, train: Path) -> None:
    validation = write(tmp_path / "val.jsonl", "train 3")
    result = run(train, "--validation", validation, "--evaluation", validation)
    assert result.exit_code == 0
    assert f"{validation}:11: warning overlap_line the same line as {train}:4" in result.stdout
    assert "validation, evaluation" in result.stdout
    assert run(train, "--evaluation", validation, "--strict").exit_code == 1


def test_json_is_one_document(tmp_path: Path, train: Path) -> None:
    validation = write(tmp_path / "val.jsonl", "train 3")
    result = run(train, "--validation", validation, "--strict", "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["counts"] == {"overlap_line": 1}
    assert document["cost"] is None


def test_gzipped_files_are_read(tmp_path: Path, train: Path) -> None:
    packed = tmp_path / "train.jsonl.gz"
    packed.write_bytes(gzip.compress(train.read_bytes()))
    assert run(packed).exit_code == 0


def test_a_limit_on_the_length_of_examples(train: Path) -> None:
    assert run(train, "--max-example-tokens", "1").exit_code == 1


@pytest.mark.parametrize("option", ["--validation", "--evaluation"])
def test_a_missing_file_is_named(train: Path, option: str) -> None:
    missing = train.with_name("missing.jsonl")
    for arguments in ([missing], [train, option, missing]):
        error = run(*arguments).exception
        assert isinstance(error, InvalidInputError)
        assert f"cannot read {missing}" in error.message


def test_the_broken_one_of_two_archives_is_named(tmp_path: Path, train: Path) -> None:
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(gzip.compress(train.read_bytes())[:-20])
    sound = tmp_path / "sound.jsonl.gz"
    sound.write_bytes(gzip.compress(train.read_bytes()))
    error = run(broken, "--evaluation", sound).exception
    assert isinstance(error, InvalidInputError)
    assert str(broken) in error.message


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path).exception, InvalidInputError)


@pytest.mark.usefixtures("prices")
def test_the_cost_is_that_of_the_tokens_and_epochs(train: Path) -> None:
    tokens = json.loads(run(train, "--json").stdout)["files"][0]["tokens"]
    result = run(train, "--model", "tiny", "--epochs", "2", "--json")
    expected = {"model": "tiny", "account": "dear", "epochs": 2, "usd": 2.0 * tokens}
    assert json.loads(result.stdout)["cost"] == expected
    shown = run(train, "--model", "tiny").stdout.splitlines()[-1]
    assert shown == f"cost: about {3 * tokens}.00 USD to train tiny for 3 epochs"


@pytest.mark.usefixtures("prices")
def test_a_cost_without_a_price_is_unknown(train: Path) -> None:
    assert "bare has no price of tiny" in run(train, "--model", "tiny", "--account", "bare").stdout
    assert isinstance(run(train, "--model", "m", "--account", "x").exception, ConfigurationError)


def test_a_cost_without_an_account_is_unknown(train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = train.with_name("tuneq.toml")
    config.touch()
    monkeypatch.setenv("TUNEQ_CONFIG", str(config))
    result = run(train, "--model", "tiny")
    assert result.exit_code == 0
    assert "cost: unknown; name an --account" in result.stdout


def test_help_has_an_example() -> None:
    assert "tuneq check train.jsonl" in run("--help").stdout


def test_tokens_are_counted_as_the_model_does_where_that_is_known(train: Path) -> None:
    pytest.importorskip("bpe_openai")
    document = json.loads(run(train, "--model", "gpt-4.1-mini", "--json").stdout)
    assert document["token_method"] == "o200k_base"
    assert document["files"][0]["token_method"] == "o200k_base"
    shown = run(train, "--model", "gpt-4.1-mini").stdout
    assert "tokens are estimated by o200k_base" in shown
    assert json.loads(run(train, "--json").stdout)["token_method"] == "characters/4"


def test_a_hundred_shared_samples_are_named_counted_and_with_strict_refused(
    tmp_path: Path,
) -> None:
    train = write(tmp_path / "train.jsonl", *(f"shared {number}" for number in range(100)))
    held_out = write(tmp_path / "val.jsonl", *(f"shared {number}" for number in range(100)))
    shown = run(train, "--evaluation", held_out)
    assert shown.exit_code == 0
    assert "100  warning  overlap_line" in shown.stdout
    assert shown.stdout.count("the same line as") == 20
    refused = run(train, "--evaluation", held_out, "--strict", "--json", "--list", "1000")
    assert refused.exit_code == 1
    document = json.loads(refused.stdout)
    assert (document["errors"], document["counts"]) == (100, {"overlap_line": 100})
    places = [(found["file"], found["line"]) for found in document["findings"]]
    assert places == [(str(held_out), number) for number in range(11, 111)]
    assert document["findings"][99]["message"] == f"the same line as {train}:110"


def test_lengths_and_balance_are_told(tmp_path: Path, train: Path) -> None:
    longer = write(tmp_path / "longer.jsonl", *["much longer " * 20] * 2)
    shown = run(longer).stdout
    assert f"tokens of an example of {longer}: 2 at least, 2 at the median" in shown
    assert "answers of " + str(longer) + ": A 12 (100.0%)" in shown
    assert "#" * 30 in shown
    [file] = json.loads(run(train, "--json").stdout)["files"]
    assert (file["lengths"]["p50"], file["lengths"]["mean"]) == (2, 2.0)
    assert file["lengths"]["histogram"] == [{"from": 2, "to": 3, "examples": 10}]
    classes = {"classes": 1, "largest": 1.0, "smallest": 1.0}
    assert file["balance"] == {"labels": None, "answers": classes}


def test_examples_over_the_configured_context_are_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = write(tmp_path / "train.jsonl", "word " * 100)
    config = tmp_path / "tuneq.toml"
    config.write_text(
        '[accounts.lab]\nbase_url = "https://example.org"\ncontext_tokens = {tiny = 50}\n'
    )
    monkeypatch.setenv("TUNEQ_CONFIG", str(config))
    result = run(train, "--model", "tiny", "--account", "lab")
    assert result.exit_code == 0
    assert f"{train}:11: warning over_context about 126 tokens" in result.stdout
    assert "over_context" not in run(train, "--model", "other", "--account", "lab").stdout


def test_near_and_pairs_are_asked_for(tmp_path: Path) -> None:
    text = " ".join(f"word{number}" for number in range(40))
    train = write(tmp_path / "train.jsonl", text, f"{text} more")
    assert "near_duplicate" not in run(train).stdout
    assert f"{train}:12: warning near_duplicate" in run(train, "--near").stdout
    result = run(train, "--method", "dpo")
    assert result.exit_code == 1
    assert f"{train}:1: error not_a_pair the line is a supervised chat line" in result.stdout

from pathlib import Path

import pytest

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.keys import read_key

URL = "http://127.0.0.1:1/v1"


def test_key_comes_from_the_named_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", " sk-1\n")
    key = read_key("lab", Account(base_url=URL, api_key_env="LAB_KEY"))
    assert key.get_secret_value() == "sk-1"
    assert "sk-1" not in repr(key)


def test_key_comes_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-2\n")
    key = read_key("lab", Account(base_url=URL, api_key_file=file))
    assert key.get_secret_value() == "sk-2"


def test_variable_wins_over_file_and_file_fills_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key"
    file.write_text("sk-file")
    account = Account(base_url=URL, api_key_env="LAB_KEY", api_key_file=file)
    monkeypatch.setenv("LAB_KEY", "sk-variable")
    assert read_key("lab", account).get_secret_value() == "sk-variable"
    monkeypatch.setenv("LAB_KEY", "")
    assert read_key("lab", account).get_secret_value() == "sk-file"


def test_account_without_a_place_for_its_key() -> None:
    with pytest.raises(ConfigurationError, match="says nowhere") as caught:
        read_key("lab", Account(base_url=URL))
    assert "[accounts.lab]" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "LAB_KEY is not set"), ("", "LAB_KEY is empty"), ("  \n", "LAB_KEY is empty")],
)
def test_missing_variable_is_named(
    value: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAB_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("LAB_KEY", value)
    with pytest.raises(ConfigurationError, match=words):
        read_key("lab", Account(base_url=URL, api_key_env="LAB_KEY"))


def test_missing_empty_and_binary_files_are_named(tmp_path: Path) -> None:
    cases = {"none": None, "empty": b" \n", "binary": b"\xff\xfe\x00"}
    for name, content in cases.items():
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConfigurationError) as caught:
            read_key("lab", Account(base_url=URL, api_key_file=file))
        assert str(file) in caught.value.message


@pytest.mark.parametrize("value", ["sk-secret two", "sk-secret\nsk-other", "sk-secret\u2019"])
def test_what_cannot_be_sent_is_refused_unseen(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", value)
    with pytest.raises(ConfigurationError) as caught:
        read_key("lab", Account(base_url=URL, api_key_env="LAB_KEY"))
    assert "LAB_KEY" in caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint

"""How `tuneq` starts, and how it tells of errors."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel
from redis import Redis
from redis import exceptions as redis_errors
from tests.producer.producer_site import Site

from tuneq_producer import command_table
from tuneq_producer.cli import TuneqGroup, main
from tuneq_shared.errors import ConflictError

HEAVY = (
    "pandas",
    "scipy",
    "jinja2",
    "vl_convert",
    "rich",
    "celery",
    "openai",
    "redis",
    "yaml",
    "pydantic",
)


class _Model(BaseModel):
    n: int


def _raise(error: BaseException) -> None:
    raise error


def _validate() -> None:
    _Model.model_validate({"n": "secret"})


def _away() -> None:
    Redis.from_url("redis://127.0.0.1:1/0").ping()


@pytest.fixture
def group() -> TuneqGroup:
    """A group of the same kind, with commands that fail in many ways."""
    errors: dict[str, BaseException] = {
        "known": ConflictError("it is wrong", hint="put it right"),
        "interrupted": KeyboardInterrupt(),
        "memory": redis_errors.OutOfMemoryError("used memory > maxmemory"),
        "fault": LookupError("ours"),
    }
    commands = {
        "invalid": _command(_validate),
        "away": _command(_away),
        **{name: _command(partial(_raise, error)) for name, error in errors.items()},
    }

    class Failing(TuneqGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            del ctx
            return commands.get(cmd_name)

    return Failing("tuneq")


def _command(call: Callable[[], None]) -> click.Command:
    option = click.Option(["--json"], is_flag=True, expose_value=False)
    return click.Command(None, callback=call, params=[option])


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("known", 2, "error: it is wrong\nhint: put it right\n"),
        ("invalid", 2, "error: n: Input should be a valid integer"),
        ("away", 3, "error: Redis at "),
        ("memory", 3, "refuses to work: used memory > maxmemory"),
    ],
)
def test_errors_are_two_lines_and_a_code(
    group: TuneqGroup, site: Site, name: str, code: int, words: str
) -> None:
    result = CliRunner().invoke(group, [name])
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


def test_errors_are_json_where_json_is_asked_for(group: TuneqGroup, site: Site) -> None:
    result = CliRunner().invoke(group, ["known", "--json"])
    assert json.loads(result.stdout) == {
        "error": {"code": "conflict", "message": "it is wrong", "hint": "put it right"}
    }
    assert result.stderr == ""
    result = CliRunner().invoke(group, ["away", "--json"])
    assert json.loads(result.stdout)["error"]["code"] == "redis_unreachable"


def test_ctrl_c_leaves_with_130(group: TuneqGroup) -> None:
    assert CliRunner().invoke(group, ["interrupted"]).exit_code == 130


def test_a_fault_of_ours_is_not_hidden(group: TuneqGroup) -> None:
    with pytest.raises(LookupError, match="ours"):
        CliRunner().invoke(group, ["fault"], catch_exceptions=False)


@pytest.mark.parametrize("words", [["nothing"], ["check"], ["schema", "--strange"]])
def test_misuse_leaves_with_2(words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr
    result = CliRunner().invoke(main, [*words, "--json"])
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == "usage"


def test_config_names_the_file_for_this_call_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNEQ_CONFIG", raising=False)
    (tmp_path / "c.toml").write_text('redis_url = "redis://127.0.0.1:1/7"\n')
    result = CliRunner().invoke(main, ["--config", str(tmp_path / "c.toml"), "cancel", "x"])
    assert result.exit_code == 3
    assert "127.0.0.1:1/7" in result.stderr
    assert "TUNEQ_CONFIG" not in os.environ
    # Redis goes away after the command has begun: the URL is still that of the named file.
    monkeypatch.setattr(main, "get_command", lambda *_: _command(_away))
    result = CliRunner().invoke(main, ["--config", str(tmp_path / "c.toml"), "away"])
    assert (result.exit_code, "127.0.0.1:1/7" in result.stderr) == (3, True)
    monkeypatch.undo()
    result = CliRunner().invoke(main, ["--config", str(tmp_path / "no.toml"), "cancel", "x"])
    assert result.exit_code == 2
    assert "no configuration file" in result.stderr


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom tuneq_producer.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "submit" in answer.stdout
    assert answer.stdout.splitlines()[-1] == "heavy: []"


@pytest.mark.parametrize("name", command_table.list_commands())
def test_every_command_has_a_summary_and_help_with_an_example(name: str) -> None:
    assert command_table.summary_of(name)
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert "Example" in result.stdout


def test_a_closed_pipe_is_no_error() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from tuneq_producer.cli import main; main(['schema'])"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.close()
        told = process.stderr.read()
    assert told == b""

"""What end-to-end tests share: the commands as a user runs them, and a look at the processes."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
DEADLINE_S = 240.0


def tuneq(
    *words: object,
    config: Path | None = None,
    cwd: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tuneq_producer", *map(str, words)],
        env=_environment(config, more),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@contextmanager
def tuneq_up(
    folder: Path, *words: object, more: Mapping[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """`tuneq up` in a folder, until the block ends; gives what its ready line says."""
    with started("up", "--dir", folder, "--json", *words, more=more) as up:
        assert up.stdout is not None
        yield json.loads(up.stdout.readline())


@contextmanager
def started(
    *words: object, more: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A command that runs while the block does, and is then asked to stop."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tuneq_producer", *map(str, words)],
        env=_environment(None, more),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def until(look: Callable[[], T], what: str) -> T:
    """The first true answer."""
    deadline = time.monotonic() + DEADLINE_S
    while not (answer := look()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}"
        time.sleep(0.05)
    return answer


def show(config: Path, run: str) -> dict[str, Any]:
    """The document of a run."""
    document: dict[str, Any] = json.loads(tuneq("show", run, "--json", config=config).stdout)
    return document


def rows(report: Path) -> list[tuple[str, ...]]:
    """A CSV report without the names that the provider made up."""
    with report.open(newline="") as file:
        table = list(csv.DictReader(file))
    return sorted(
        tuple(row[c] for c in ("name", "role", "shots", "correct", "samples")) for row in table
    )


def processes_of(folder: Path) -> dict[int, str]:
    """The living processes that were given this folder, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            surroundings = (entry / "environ").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if command and (str(folder) in command or str(folder) in surroundings):
            found[int(entry.name)] = command
    return found


def _environment(config: Path | None, more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TUNEQ_")}
    return {**kept, **({"TUNEQ_CONFIG": str(config)} if config else {}), **(more or {})}

"""What the tests of processes share: waiting for a condition, and parents that can be killed."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tuneq_sandbox.processes.child import Command

DEADLINE_S = 20.0


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    return not is_gone(pid)


def is_gone(pid: int) -> bool:
    """Whether the process does not exist, or is a zombie (nobody may reap those here)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return True
    try:  # macOS
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def until_gone(*pids: int) -> None:
    for pid in pids:
        until(partial(is_gone, pid), f"the end of {pid}")


def python(code: str, folder: Path, *, name: str = "child", grace_s: float = 5.0) -> Command:
    """A child that runs the code; its first line of output is worth waiting for."""
    return Command(
        name=name,
        argv=(sys.executable, "-I", "-S", "-u", "-c", code),
        log=folder / f"{name}.log",
        grace_s=grace_s,
    )


@contextmanager
def parent(code: str, *arguments: object) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """A process of its own that runs the code, for a test to kill; with its first line, split."""
    command = [sys.executable, "-u", "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()
        finally:
            process.kill()

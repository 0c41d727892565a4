"""A command that runs on a leash: started, awaited, stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

from tuneq_shared.errors import TuneqError

LEASH = Path(__file__).with_name("leash.py")
TAIL_LINES = 15
LOOK_INTERVAL_S = 0.02
LEASH_SLACK_S = 5.0
LONGEST_LOG_BYTES = 10_000_000
SIGNAL_BASE = 128  # shells and the leash report signal n as 128 + n

T = TypeVar("T")


class ChildFailedError(TuneqError):
    """A child process could not be started, ended too early, or was not ready in time."""

    code = "child_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a child runs. Arguments are visible to all users: secrets go into `env`."""

    name: str  # as the user reads it
    argv: tuple[str, ...]
    log: Path  # gets standard output and standard error; appended to
    env: Mapping[str, str] = field(default_factory=dict[str, str])  # on top of this process's own
    cwd: Path | None = None
    grace_s: float = 10.0  # from being asked to stop until being killed, in seconds
    pass_fds: tuple[int, ...] = ()  # descriptors it inherits, such as a lock


class Child:
    """A running command that ends when this process does, however this process ends.

    Attributes:
        command: what was started.
        pid: process id of the command itself, and of its process group; not the leash's.
    """

    def __init__(self, command: Command) -> None:
        """Start the command.

        Raises:
            ChildFailedError: there is no such program, or it may not be executed.
        """
        self.command = command
        self._log_start = _make_room(command.log)
        # The leash sees the end of its socket when this object, or this process, is gone.
        self._tie, theirs = socket.socketpair()
        with theirs, _open_private(command.log) as log:
            self._leash: subprocess.Popen[bytes] = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LEASH), str(command.grace_s), "--", *command.argv],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **command.env},
                cwd=command.cwd,
                pass_fds=command.pass_fds,
                start_new_session=True,  # a Ctrl-C in the terminal reaches this process alone
            )
        self._asked_to_stop = False
        with self._tie.makefile("rb") as answers:
            told = answers.readline()
        if not told:
            self._leash.wait()
            self._tie.close()
            raise ChildFailedError(f"{command.name} did not start; {self._tail()}")
        self.pid = int(told)

    @property
    def returncode(self) -> int | None:
        """The command's exit code, 128 + n where signal n ended it; None while it runs."""
        code = self._leash.poll()
        if code is not None:
            self._tie.close()
        return code

    @property
    def output(self) -> str:
        """What it has written since its start, both streams."""
        with self.command.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_until(self, ready: Callable[[Self], T | None], *, timeout_s: float) -> T:
        """Look until `ready` answers with something true; returns that.

        Raises:
            ChildFailedError: it ended, or was not ready in time. However the wait fails, the child
                is stopped.
        """
        try:
            return self._look_until(ready, timeout_s)
        except BaseException:
            self.stop()
            raise

    def obituary(self) -> str:
        """How it ended, with the end of its log."""
        return f"{self.command.name} ended with {describe_exit(self.returncode)}; {self._tail()}"

    def ask_to_stop(self) -> None:
        """Send SIGTERM; what still runs after the grace time is killed by the leash."""
        if not self._asked_to_stop:  # some programs take a second signal for impatience
            self._asked_to_stop = True
            self._leash.terminate()

    def stop(self) -> int:
        """Ask it to stop and wait for its end; returns its exit code."""
        self.ask_to_stop()
        try:
            code = self._leash.wait(self.command.grace_s + LEASH_SLACK_S)
        except subprocess.TimeoutExpired:  # the leash itself hangs, say, stopped by a debugger
            self.kill()
            self._leash.kill()
            code = self._leash.wait()
        self._tie.close()
        return code

    def kill(self) -> None:
        """Kill the command and its process group at once; does not wait."""
        if self.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def _look_until(self, ready: Callable[[Self], T | None], timeout_s: float) -> T:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.returncode is not None:
                raise ChildFailedError(self.obituary())
            answer = ready(self)
            if answer:
                return answer
            time.sleep(LOOK_INTERVAL_S)
        raise ChildFailedError(
            f"{self.command.name} was not ready within {timeout_s:g} s; {self._tail()}",
            hint=f"its log is {self.command.log}",
        )

    def _tail(self) -> str:
        lines = self.output.strip().splitlines()[-TAIL_LINES:]
        return "\n".join(("the end of its log:", *lines)) if lines else "it wrote nothing"


def stop_all(children: Iterable[Child]) -> None:
    """Stop children side by side, and wait for all of them."""
    asked = list(children)
    for child in asked:
        child.ask_to_stop()
    for child in asked:
        child.stop()


def describe_exit(code: int | None) -> str:
    """An exit code in words: `exit code 3`, `signal SIGKILL`."""
    if code is not None and (code < 0 or code > SIGNAL_BASE):
        with suppress(ValueError):  # an exit code that happens to be large
            return f"signal {signal.Signals(abs(code) % SIGNAL_BASE).name}"
    return f"exit code {code}"


def _open_private(log: Path) -> BinaryIO:
    """Open for appending, for this user alone: logs quote requests and data."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def _make_room(log: Path) -> int:
    """Put a log that grew too long aside; returns the place where the next output starts."""
    log.parent.mkdir(parents=True, exist_ok=True)
    size = log.stat().st_size if log.exists() else 0
    if size < LONGEST_LOG_BYTES:
        return size
    log.replace(log.with_name(log.name + ".1"))
    return 0

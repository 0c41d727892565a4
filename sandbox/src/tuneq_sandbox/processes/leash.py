"""Runs a command that ends when the process that asked for it ends, even by kill -9.

    python -I -S leash.py GRACE -- COMMAND ...

The caller holds the other end of standard input, a pipe or socket, and never writes to it. Its end
means that the caller is gone. Then, and on SIGTERM or SIGINT (passed on as they are), the command
has GRACE seconds until its whole process group is killed. Once the command has ended, what is left
of its group is killed too. The exit code is the command's, 128 + n for signal n, 126 or 127 where
it cannot be started. Where standard input is a socket, the command's process id is written to it.

Two things stand in for a leash that is itself killed by force: a guard process that kills the
group, and on Linux the kernel, which kills the command itself.

This file is run as a script without site-packages: it imports nothing but the standard library.
A command that leaves its process group (a daemon) slips the leash.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from typing import NoReturn

CALLER = 0
PR_SET_PDEATHSIG = 1  # linux/prctl.h
KILL_AGAIN_S = 1.0


def main() -> int:
    """Run the command of the arguments on a leash; returns the exit code."""
    grace_s, command = float(sys.argv[1]), sys.argv[3:]
    wakes = _catch_signals()
    guard, to_guard = _start_guard()
    try:
        child = _start(command)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        os.kill(guard, signal.SIGKILL)
        return 127 if isinstance(error, FileNotFoundError) else 126
    os.write(to_guard, b"%d\n" % child.pid)
    _report(child.pid)
    code = _follow(child, wakes, grace_s)
    _kill_group(child.pid)
    os.kill(guard, signal.SIGKILL)
    os.waitpid(guard, 0)
    return code if code >= 0 else 128 - code


def _catch_signals() -> int:
    """The descriptor from which the numbers of caught signals can be read."""
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(signum, lambda _signum, _frame: None)
    return wakes


def _start_guard() -> tuple[int, int]:
    """Fork the guard; returns its process id and the descriptor that keeps it waiting."""
    from_leash, to_guard = os.pipe()
    guard = os.fork()
    if guard == 0:
        os.close(to_guard)
        _guard(from_leash)
    os.close(from_leash)
    return guard, to_guard


def _guard(from_leash: int) -> NoReturn:
    """Wait for the end of the leash, then kill the group whose id it sent."""
    os.setsid()
    os.close(CALLER)
    told = b""
    while part := os.read(from_leash, 64):
        told += part
    if told:
        _kill_group(int(told))
    os._exit(0)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    leash = os.getpid()
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def end_with_leash() -> None:
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != leash:  # it died before the line above
                os._exit(128 + signal.SIGKILL)

    # Descriptors stay open: the command inherits the locks that the caller passed down.
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=False,
        preexec_fn=end_with_leash,  # noqa: PLW1509 - this process has one thread
    )


def _report(pid: int) -> None:
    try:
        os.write(CALLER, b"%d\n" % pid)
    except OSError:  # a pipe's reading end, or the caller is gone: nobody wants to know
        return


def _follow(child: subprocess.Popen[bytes], wakes: int, grace_s: float) -> int:
    """Wait for the command's end, bringing it about where asked; returns its return code."""
    watched = [CALLER, wakes]
    kill_at: float | None = None
    while (code := child.poll()) is None:
        timeout = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        readable, _, _ = select.select(watched, [], [], timeout)
        asked: list[int] = []
        if wakes in readable:
            asked += [n for n in os.read(wakes, 512) if n != signal.SIGCHLD]
        if CALLER in readable and _caller_is_gone():
            watched.remove(CALLER)
            asked.append(signal.SIGTERM)
        for signum in asked:
            # To the command alone: it knows best how its own children are to end.
            child.send_signal(signum)
            kill_at = kill_at or time.monotonic() + grace_s
        if kill_at is not None and time.monotonic() >= kill_at:
            _kill_group(child.pid)
            kill_at = time.monotonic() + KILL_AGAIN_S
    return code


def _caller_is_gone() -> bool:
    try:
        return not os.read(CALLER, 512)
    except OSError:  # a socket whose other end closed with unread data
        return True


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS refuses where only zombies are left
        return


if __name__ == "__main__":
    sys.exit(main())

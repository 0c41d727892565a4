import os
import signal
import sys
from pathlib import Path

import pytest
from tests.sandbox.processes_support import is_running, parent, python, until, until_gone

from tuneq_sandbox.processes.child import Child, ChildFailedError, Command, describe_exit

SLEEPER = "import time; print('up'); time.sleep(600)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up")
time.sleep(600)
"""
# Starts a process of its own and prints its id.
FAMILY = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
time.sleep(600)
"""
# Starts a child with the given code, prints the ids of the child and its leash, and waits.
PARENT = """
import sys, time
from pathlib import Path
from tests.sandbox.processes_support import python
from tuneq_sandbox.processes.child import Child
child = Child(python(sys.argv[1], Path(sys.argv[2]), grace_s=float(sys.argv[3])))
child.wait_until(lambda child: child.output.strip(), timeout_s=20)
print(child.pid, child._leash.pid, child.output.strip())
time.sleep(600)
"""


def first_line(child: Child) -> str | None:
    return child.output.strip() or None


def until_ended(child: Child) -> None:
    until(lambda: child.returncode is not None, "its end")


def test_exit_codes_and_output_pass_through(tmp_path: Path) -> None:
    child = Child(python("print('hello'); raise SystemExit(7)", tmp_path))
    until_ended(child)
    assert child.returncode == 7
    assert child.output == "hello\n"
    assert child.stop() == 7


def test_a_signal_is_reported_as_128_and_its_number(tmp_path: Path) -> None:
    child = Child(python(SLEEPER, tmp_path))
    os.kill(child.pid, signal.SIGUSR1)
    until_ended(child)
    assert child.returncode == 128 + signal.SIGUSR1


def test_an_unknown_program_is_an_error_that_says_so(tmp_path: Path) -> None:
    command = Command(name="nothing", argv=("/no/such/program",), log=tmp_path / "log")
    with pytest.raises(ChildFailedError, match=r"nothing did not start.*\n.*program: No such"):
        Child(command)


def test_environment_and_folder_reach_the_child(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    command = Command(
        name="child",
        argv=(sys.executable, "-c", "import os; print(os.environ['SECRET'], os.getcwd())"),
        log=tmp_path / "log",
        env={"SECRET": "s3cret"},
        cwd=tmp_path / "here",
    )
    child = Child(command)
    until_ended(child)
    assert child.output.split() == ["s3cret", str(tmp_path / "here")]


def test_output_begins_with_this_start_though_the_log_is_kept(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = Child(python(f"print({word!r})", tmp_path))
        until_ended(child)
        assert child.output == f"{word}\n"
    assert (tmp_path / "child.log").read_text() == "first\nsecond\n"
    assert (tmp_path / "child.log").stat().st_mode & 0o777 == 0o600


def test_waiting_for_a_child_that_ends_quotes_its_log(tmp_path: Path) -> None:
    child = Child(python("print('the disk is full'); raise SystemExit(3)", tmp_path))
    with pytest.raises(ChildFailedError, match=r"child ended with exit code 3.*\nthe disk is full"):
        child.wait_until(lambda _: None, timeout_s=20)


def test_a_child_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    child = Child(python(SLEEPER, tmp_path))
    with pytest.raises(ChildFailedError, match=r"child was not ready within 0\.05 s"):
        child.wait_until(lambda _: False, timeout_s=0.05)
    assert child.returncode is not None
    assert not is_running(child.pid)


def test_stop_lets_the_child_end_in_its_own_way(tmp_path: Path) -> None:
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye"), sys.exit(5)))
print("up")
time.sleep(600)
"""
    child = Child(python(code, tmp_path))
    child.wait_until(first_line, timeout_s=20)
    assert child.stop() == 5
    assert child.output == "up\nbye\n"


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    child = Child(python(STUBBORN, tmp_path, grace_s=0.1))
    child.wait_until(first_line, timeout_s=20)
    assert child.stop() == 128 + signal.SIGKILL
    assert not is_running(child.pid)


@pytest.mark.parametrize("end", ["stop", "kill", "crash"])
def test_grandchildren_end_with_the_child(end: str, tmp_path: Path) -> None:
    child = Child(python(FAMILY, tmp_path))
    grandchild = int(child.wait_until(first_line, timeout_s=20))
    assert is_running(grandchild)
    if end == "stop":
        child.stop()
    elif end == "kill":
        child.kill()
    else:
        os.kill(child.pid, signal.SIGSEGV)
    until_ended(child)
    until_gone(child.pid, grandchild)


@pytest.mark.parametrize(
    ("code", "grace_s"),
    [(SLEEPER, 5), (STUBBORN, 0.1), (FAMILY, 5)],
    ids=["tame", "stubborn", "family"],
)
@pytest.mark.parametrize("victim", ["parent", "leash", "both"])
def test_killed_by_force_nothing_is_left(
    victim: str, code: str, grace_s: float, tmp_path: Path
) -> None:
    with parent(PARENT, code, tmp_path, grace_s) as (process, (child, leash, said)):
        family = [int(said)] if said.isdigit() else []
        if victim in {"leash", "both"}:
            os.kill(int(leash), signal.SIGKILL)
        if victim in {"parent", "both"}:
            process.kill()
        until_gone(int(child), *family)
        process.kill()
        until_gone(int(leash))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")
def test_leash_and_guard_killed_at_once_the_kernel_ends_the_child(tmp_path: Path) -> None:
    with parent(PARENT, STUBBORN, tmp_path, 60) as (_, (child, leash, _said)):
        others = Path(f"/proc/{leash}/task/{leash}/children").read_text().split()
        (guard,) = set(others) - {child}
        os.kill(int(guard), signal.SIGKILL)
        os.kill(int(leash), signal.SIGKILL)
        until_gone(int(child))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_leash_passes_signals_on_as_they_are(signum: signal.Signals, tmp_path: Path) -> None:
    code = """
import signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _: sys.exit(number))
print("up")
time.sleep(600)
"""
    child = Child(python(code, tmp_path))
    child.wait_until(first_line, timeout_s=20)
    child._leash.send_signal(signum)
    until_ended(child)
    assert child.returncode == signum


def test_secrets_are_in_no_argument(tmp_path: Path) -> None:
    command = Command(
        name="child",
        argv=(sys.executable, "-c", SLEEPER),
        log=tmp_path / "log",
        env={"KEY": "very-secret"},
    )
    child = Child(command)
    assert not any("very-secret" in str(part) for part in child._leash.args)  # type: ignore[union-attr]
    child.stop()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (137, "signal SIGKILL"),
        (-15, "signal SIGTERM"),
        (255, "exit code 255"),
    ],
)
def test_exits_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sandbox.processes_support import is_running, python, until, until_gone

from tuneq_sandbox.processes.child import Child, ChildFailedError, stop_all
from tuneq_sandbox.processes.supervisor import RestartPolicy, Supervisor

SLEEPER = "import time; print('up'); time.sleep(600)"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor(RestartPolicy(first_delay_s=0.01))
    yield made
    stop_all(made.close())


def end(child: Child) -> None:
    until(lambda: child.returncode is not None, "its end")


def test_a_killed_child_is_started_again_and_reported(
    supervisor: Supervisor, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = Child(python(SLEEPER, tmp_path, name="worker1"))
    supervisor.watch(first)
    supervisor.start()
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: supervisor.children not in ([first], []), "another child")
    (second,) = supervisor.children
    assert second.pid != first.pid
    assert is_running(second.pid)
    until_gone(first.pid)
    stop_all(supervisor.close())
    assert capfd.readouterr().err.splitlines() == [
        f"worker1 (pid {first.pid}) died with signal SIGKILL",
        f"worker1 was started again (pid {second.pid})",
    ]


def test_a_child_that_dies_at_once_again_and_again_is_given_up(tmp_path: Path) -> None:
    supervisor = Supervisor(RestartPolicy(first_delay_s=0.01, give_up_after=3))
    supervisor.watch(Child(python("raise SystemExit('no such table')", tmp_path, name="worker1")))
    supervisor.start()
    with pytest.raises(ChildFailedError, match="worker1 died 3 times in a row") as caught:
        supervisor.wait(20)
    assert "exit code 1" in caught.value.message
    assert "no such table" in caught.value.message
    assert str(tmp_path / "worker1.log") in caught.value.hint
    assert supervisor.close() == []


def test_deaths_after_a_long_life_are_not_counted_together(tmp_path: Path) -> None:
    clock = Clock()
    supervisor = Supervisor(RestartPolicy(give_up_after=2, steady_after_s=10), clock=clock)
    supervisor.watch(Child(python("", tmp_path)))
    for _ in range(3):
        end(supervisor.children[0])
        clock.now += 10
        supervisor.look()
        assert supervisor.children == []
        clock.now += 0.5
        supervisor.look()
    end(supervisor.children[0])
    clock.now += 9
    with pytest.raises(ChildFailedError, match="died 2 times in a row"):
        supervisor.look()


def test_it_waits_longer_with_each_death(tmp_path: Path) -> None:
    clock = Clock()
    supervisor = Supervisor(RestartPolicy(first_delay_s=2), clock=clock)
    supervisor.watch(Child(python("", tmp_path)))
    for delay in (2.0, 4.0, 8.0):
        end(supervisor.children[0])
        supervisor.look()
        clock.now += delay - 0.1
        supervisor.look()
        assert supervisor.children == []
        clock.now += 0.1
        supervisor.look()
        assert len(supervisor.children) == 1
    stop_all(supervisor.close())


@pytest.mark.parametrize(("deaths", "delay"), [(1, 0.5), (2, 1.0), (4, 4.0), (20, 30.0)])
def test_delays(deaths: int, delay: float) -> None:
    assert RestartPolicy().delay_s(deaths) == delay


def test_kill_ends_all_and_starts_none_again(supervisor: Supervisor, tmp_path: Path) -> None:
    children = [Child(python(SLEEPER, tmp_path, name=name)) for name in ("a", "b")]
    for child in children:
        supervisor.watch(child)
    supervisor.start()
    supervisor.kill()
    supervisor.wait(20)
    until_gone(*(child.pid for child in children))
    assert supervisor.children == children


def test_kill_waits_for_nobody(supervisor: Supervisor, tmp_path: Path) -> None:
    """A signal handler calls it, in the middle of anything: of a close that holds a lock, too."""
    child = Child(python(SLEEPER, tmp_path))
    supervisor.watch(child)
    killer = threading.Thread(target=supervisor.kill, daemon=True)
    with supervisor._closed._cond:  # type: ignore[attr-defined]  # what `set` takes
        killer.start()
        killer.join(20)
        assert not killer.is_alive()
    until_gone(child.pid)

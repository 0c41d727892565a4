import os
import signal
import socket
from pathlib import Path

import pytest
from tests.sandbox.processes_support import parent, until, until_gone

from tuneq_sandbox.processes.child import ChildFailedError
from tuneq_sandbox.processes.folder_lock import FolderLock
from tuneq_sandbox.processes.ports import LOOPBACK, is_free, start_on_free_port
from tuneq_sandbox.processes.private_files import kept_secret, private_folder, write_private
from tuneq_shared.errors import ConflictError

# Locks the folder, starts a child that inherits the lock and ignores SIGTERM, waits.
OWNER = """
import sys, time
from dataclasses import replace
from pathlib import Path
from tests.sandbox.processes_support import python
from tuneq_sandbox.processes.child import Child
from tuneq_sandbox.processes.folder_lock import FolderLock
folder = Path(sys.argv[1])
lock = FolderLock(folder)
code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up'); time.sleep(600)"
child = Child(replace(python(code, folder, grace_s=60), pass_fds=(lock.fd,)))
child.wait_until(lambda child: child.output.strip(), timeout_s=20)
print(child.pid)
time.sleep(600)
"""


def test_a_locked_folder_is_refused_and_its_owner_named(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(ConflictError, match=rf"{tmp_path} is in use .*\(pid {os.getpid()}\)"):
        FolderLock(tmp_path, wait_s=600)  # it does not wait for the living
    lock.release()
    FolderLock(tmp_path).release()


def test_a_child_keeps_the_folder_of_its_killed_parent(tmp_path: Path) -> None:
    with parent(OWNER, tmp_path) as (process, (said,)):
        child = int(said)
        process.kill()
        process.wait()
        with pytest.raises(ConflictError, match=f"pid {process.pid}"):
            FolderLock(tmp_path)
        os.kill(child, signal.SIGKILL)
        until_gone(child)
        FolderLock(tmp_path, wait_s=20).release()


def test_private_files_are_replaced_in_one_step(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "deep" / "folder")
    write_private(folder / "key", "one")
    write_private(folder / "key", "two")
    assert (folder / "key").read_text() == "two"
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == ["key"]


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "a")
    assert kept_secret(tmp_path / "a") == first
    assert kept_secret(tmp_path / "b") != first
    assert len(first) >= 32


@pytest.fixture
def taken() -> int:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        port: int = server.getsockname()[1]
    return port


def test_the_favourite_port_is_taken_where_free(taken: int) -> None:
    assert start_on_free_port(lambda port: port + 1, favourite=taken) == (taken, taken + 1)


def test_another_port_is_taken_where_the_favourite_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        busy = server.getsockname()[1]
        assert not is_free(busy)
        port, _ = start_on_free_port(lambda port: port, favourite=busy)
        assert port != busy
        with pytest.raises(ConflictError, match=f"tried: {busy}"):
            start_on_free_port(lambda port: port, favourite=busy, only=True)


def test_a_port_lost_between_look_and_start_means_another(taken: int) -> None:
    thieves: list[socket.socket] = []

    def start(port: int) -> int:
        if not thieves:
            thieves.append(socket.create_server((LOOPBACK, port)))
            raise ChildFailedError("Address already in use")
        return port

    port, _ = start_on_free_port(start, favourite=taken)
    assert port != taken
    thieves[0].close()


def test_a_failure_that_is_not_the_ports_is_passed_on() -> None:
    tried: list[int] = []

    def start(port: int) -> None:
        tried.append(port)
        raise ChildFailedError("the disk is full")

    with pytest.raises(ChildFailedError, match="the disk is full"):
        start_on_free_port(start, favourite=None)
    assert len(tried) == 1
    until(lambda: is_free(tried[0]), "a free port")

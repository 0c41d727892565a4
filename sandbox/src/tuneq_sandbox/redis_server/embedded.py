"""A Redis server of our own, in a folder."""

from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from pydantic import BaseModel
from redis.backoff import NoBackoff
from redis.retry import Retry

from tuneq_sandbox.processes.child import Child, Command
from tuneq_sandbox.processes.folder_lock import FolderLock
from tuneq_sandbox.processes.ports import LOOPBACK, start_on_free_port
from tuneq_sandbox.processes.private_files import kept_secret, private_folder, write_private
from tuneq_sandbox.redis_server.binary import find_binary
from tuneq_sandbox.redis_server.configuration import server_configuration

READY_TIMEOUT_S = 60.0  # it reads its data first
GRACE_S = 10.0
FORMER_OWNER_S = 3.0  # what a server whose parent was just killed may take to end
LOOK_TIMEOUT_S = 5.0


class _Memory(BaseModel):
    """What a later start on the same folder takes over."""

    port: int
    binary: Path  # another server, or an older one, might not read its data


class EmbeddedRedis:
    """A Redis server on the loopback interface, with a password, whose data lives in a folder.

    It ends with this process, however this process ends. Starting again on the same folder finds
    the data again, and takes the same port where it is free. Use it as a context manager, or by
    `start` and `stop`.

    Attributes:
        url: with the password; where it serves once started.
        child: the server's process, once started.
    """

    url: str
    child: Child

    def __init__(self, folder: Path, *, log: Path | None = None) -> None:
        """Name the folder; nothing happens before `start`.

        Args:
            folder: created where it is missing; closed to other users.
            log: the server's log; `redis.log` in the folder by default.
        """
        self._folder = folder
        self._log = log
        self._lock: FolderLock | None = None

    def start(self) -> Self:
        """Start the server and wait until it serves.

        Raises:
            ConflictError: another server has the folder.
            ConfigurationError: there is no server to start on this system.
            ChildFailedError: the server did not come up.
        """
        folder = private_folder(self._folder)
        lock = FolderLock(folder, wait_s=FORMER_OWNER_S)
        try:
            memory = _recall(folder / "server.json")
            binary = memory.binary if memory and memory.binary.exists() else find_binary()
            password = kept_secret(folder / "password")

            def start(port: int) -> Child:
                configuration = folder / "redis.conf"
                write_private(
                    configuration,
                    server_configuration(folder=folder, port=port, password=password),
                )
                child = Child(
                    Command(
                        name="redis",
                        argv=(str(binary), str(configuration)),
                        log=self._log or folder / "redis.log",
                        env={"LC_ALL": "C"},  # it refuses to start under an unknown locale
                        grace_s=GRACE_S,
                        pass_fds=(lock.fd,),
                    )
                )
                url = _url(port, password)
                child.wait_until(lambda _: _answers(url), timeout_s=READY_TIMEOUT_S)
                return child

            port, self.child = start_on_free_port(start, favourite=memory.port if memory else None)
            write_private(
                folder / "server.json", _Memory(port=port, binary=binary).model_dump_json()
            )
        except BaseException:
            lock.release()
            raise
        self._lock = lock
        self.url = _url(port, password)
        return self

    def stop(self) -> None:
        """Stop the server, its data written, and give up the folder; does nothing twice."""
        if self._lock is not None:
            self.child.stop()
            self.release()

    def release(self) -> None:
        """Give up the folder of a server that somebody else has stopped."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _recall(path: Path) -> _Memory | None:
    return _Memory.model_validate_json(path.read_bytes()) if path.exists() else None


def _url(port: int, password: str) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=1, socket_timeout=LOOK_TIMEOUT_S
    )
    with client:
        try:
            return bool(client.ping())
        except redis.RedisError:  # not yet: starting, or reading its data
            return False

"""The stack: what is started in which order, and stopped in reverse."""

import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import BaseModel, ValidationError

from tuneq_sandbox.processes.child import Child, Command, stop_all
from tuneq_sandbox.processes.folder_lock import FolderLock
from tuneq_sandbox.processes.ports import start_on_free_port
from tuneq_sandbox.processes.private_files import kept_secret, write_private
from tuneq_sandbox.processes.supervisor import Supervisor
from tuneq_sandbox.redis_server.ensure import RunningRedis, ensure_redis
from tuneq_sandbox.stack.configuration import KEY_NAME, stack_configuration
from tuneq_sandbox.stack.roles import Role, worker_commands
from tuneq_shared.dialects import Dialect
from tuneq_shared.settings import CONFIG_NAME

READY_TIMEOUT_S = 60.0
FORMER_OWNER_S = 12.0  # longer than the grace of a provider whose parent was just killed
PROVIDER_GRACE_S = 5.0
KEY_VARIABLE = "SANDBOX_API_KEY"
INFRASTRUCTURE = frozenset({"redis", "provider"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What runs where."""

    redis_url: str  # with the password
    sandbox_url: str  # the provider's base URL
    config: Path  # for TUNEQ_CONFIG and --config
    logs: Path  # folder; one file a process


class _Ready(BaseModel):
    """The line that the provider prints once it serves."""

    event: str
    url: str


class Stack:
    """The whole of tuneq in one folder, as children that end with this process.

    The folder keeps the data of Redis and of the provider, the data root, logs, a configuration
    for everybody who wants to join (`tuneq.toml`) and the ports, so that a later start goes on
    where this one ends. Children that die are started again.
    """

    def __init__(
        self,
        folder: Path,
        *,
        roles: Sequence[Role],
        redis_url: str | None = None,
        provider_port: int | None = None,
        dialect: Dialect = "openai",
        provider_module: str = "tuneq_sandbox.provider",
        celery_app: str = "tuneq_worker",
        worker_ready: Callable[[Child], bool] | None = None,
    ) -> None:
        """Describe the stack; nothing happens before `start`.

        Args:
            folder: created where it is missing.
            roles: the workers.
            redis_url: a Redis to use; None starts one in the folder.
            provider_port: the sandbox provider's port; None takes the former or a free one.
            dialect: which the sandbox provider speaks.
            provider_module: run with `python -m`, as the provider.
            celery_app: what `celery -A` is told.
            worker_ready: whether a worker is at work; by default, whether Celery logged so.
        """
        self._folder = folder.resolve()
        self._roles = roles
        self._redis_url = redis_url
        self._provider_port = provider_port
        self._dialect: Dialect = dialect
        self._provider_module = provider_module
        self._celery_app = celery_app
        self._worker_ready = worker_ready or _logged_ready
        self._supervisor = Supervisor()
        self._lock: FolderLock | None = None
        self._redis: RunningRedis | None = None

    def start(self) -> Addresses:
        """Start everything, once, and wait until it is ready; where that fails, nothing stays.

        Raises:
            ConflictError: another stack has the folder.
            ConfigurationError: there is no Redis server to start on this system.
            RedisUnreachableError: the given Redis does not answer.
            ChildFailedError: a part did not come up.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FolderLock(self._folder, wait_s=FORMER_OWNER_S)
        try:
            logs = self._folder / "logs"
            logs.mkdir(exist_ok=True)
            self._redis = ensure_redis(
                self._redis_url, self._folder / "redis", log=logs / "redis.log"
            )
            if self._redis.server is not None:
                self._supervisor.watch(self._redis.server.child)
            sandbox_url = self._start_provider(logs, self._lock)
            config = self._folder / CONFIG_NAME
            written = stack_configuration(self._redis.url, sandbox_url, self._dialect)
            write_private(config, written)
            self._start_workers(logs, config)
            self._supervisor.start()
        except BaseException:
            self.stop()
            raise
        return Addresses(
            redis_url=self._redis.url, sandbox_url=sandbox_url, config=config, logs=logs
        )

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until a part has died for good, or until the timeout.

        Raises:
            ChildFailedError: a part died at once too often; the others still run.
        """
        self._supervisor.wait(timeout_s)

    def stop(self) -> None:
        """Stop the workers, then the provider, then Redis; does nothing twice."""
        if self._lock is None:
            return
        children = self._supervisor.close()
        stop_all(child for child in children if child.command.name not in INFRASTRUCTURE)
        for name in ("provider", "redis"):
            stop_all(child for child in children if child.command.name == name)
        if self._redis is not None and self._redis.server is not None:
            self._redis.server.release()
        self._lock.release()
        self._lock = None

    def kill(self) -> None:
        """Kill every process at once; may be called from a signal handler while `stop` waits."""
        self._supervisor.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_provider(self, logs: Path, lock: FolderLock) -> str:
        folder = self._folder / "provider"
        key = kept_secret(self._folder / KEY_NAME)

        def start(port: int) -> tuple[Child, str]:
            child = Child(
                Command(
                    name="provider",
                    argv=(
                        *(sys.executable, "-P", "-m", self._provider_module),
                        *("--dir", str(folder), "--port", str(port), "--keys-env", KEY_VARIABLE),
                        *("--dialect", self._dialect),
                    ),
                    log=logs / "provider.log",
                    env={KEY_VARIABLE: key},
                    grace_s=PROVIDER_GRACE_S,
                    pass_fds=(lock.fd,),
                )
            )
            return child, child.wait_until(_ready_url, timeout_s=READY_TIMEOUT_S)

        kept = self._folder / "provider.port"
        former = int(kept.read_text()) if kept.exists() else None
        port, (child, url) = start_on_free_port(
            start, favourite=self._provider_port or former, only=self._provider_port is not None
        )
        self._supervisor.watch(child)
        write_private(kept, f"{port}\n")
        return url

    def _start_workers(self, logs: Path, config: Path) -> None:
        token = secrets.token_hex(4)  # no other stack on this Redis has workers of these names
        children = []
        for role in self._roles:
            for command in worker_commands(
                role, celery_app=self._celery_app, token=token, config=config, logs=logs
            ):
                child = Child(command)
                self._supervisor.watch(child)
                children.append(child)
        for child in children:
            child.wait_until(self._worker_ready, timeout_s=READY_TIMEOUT_S)


def _ready_url(provider: Child) -> str | None:
    for line in provider.output.splitlines():
        try:
            ready = _Ready.model_validate_json(line)
        except ValidationError:  # a line of its log
            continue
        if ready.event == "ready":
            return ready.url
    return None


def _logged_ready(worker: Child) -> bool:
    return any(line.endswith(" ready.") for line in worker.output.splitlines())

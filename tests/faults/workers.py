"""Celery workers as processes of their own, to be killed and replaced."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tuneq_sandbox.processes.child import Child
from tuneq_sandbox.stack.roles import Role, evaluators, run_workers, worker_commands

READY_TIMEOUT_S = 90.0
RUNS, EVALUATION = run_workers(1), evaluators(1)


@dataclass(frozen=True, slots=True, eq=False)
class Worker:
    """One living process."""

    role: Role
    child: Child

    def is_ready(self) -> bool:
        return _is_ready(self.child)


class Workers:
    """Those of one site. What is killed is dead at once; what is started takes its time."""

    def __init__(self, config: Path, logs: Path) -> None:
        self._config = config
        self._logs = logs
        self._started = 0
        self.living: list[Worker] = []

    def start(
        self,
        *roles: Role,
        app: str = "tuneq_worker",
        more: Mapping[str, str] | None = None,
        words: tuple[str, ...] = (),
    ) -> list[Worker]:
        """Start one worker for each role; `more` is added to its environment, `words` to argv."""
        started = []
        for role in roles:
            self._started += 1
            serial = f"{self._started:03}"
            (command,) = worker_commands(
                role,
                celery_app=app,
                token=f"bench{serial}",
                config=self._config,
                logs=self._logs / serial,
            )
            argv, env = (*command.argv, *words), {**command.env, **(more or {})}
            command = replace(command, argv=argv, env=env)
            started.append(Worker(role, Child(command)))
        self.living += started
        return started

    def await_ready(self) -> None:
        for worker in self.living:
            worker.child.wait_until(_is_ready, timeout_s=READY_TIMEOUT_S)

    def kill(self, *workers: Worker) -> None:
        """kill -9 of the process and all its children."""
        for worker in workers:
            worker.child.kill()
        for worker in workers:
            worker.child.stop()  # it is dead: this buries it
            self.living.remove(worker)

    def kill_all(self) -> None:
        self.kill(*list(self.living))


def _is_ready(child: Child) -> bool:
    return any(line.endswith(" ready.") for line in child.output.splitlines())

"""The kinds of workers, and the commands that start them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tuneq_sandbox.processes.child import Command

WORKER_GRACE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Workers of one kind."""

    name: str  # of the processes: name1, name2, ...
    queue: str  # the Celery queue that they serve
    count: int  # processes
    concurrency: int  # tasks at once in each


def run_workers(count: int) -> Role:
    """Workers that carry runs from stage to stage."""
    return Role(name="worker", queue="runs", count=count, concurrency=8)


def evaluators(count: int) -> Role:
    """Workers that evaluate models."""
    return Role(name="evaluator", queue="evaluation", count=count, concurrency=2)


def worker_commands(
    role: Role, *, celery_app: str, token: str, config: Path, logs: Path
) -> list[Command]:
    """One command for each worker of the role.

    Args:
        role: what they do.
        celery_app: what `celery -A` is told.
        token: tells these workers from those of other stacks on the same Redis.
        config: path of `tuneq.toml`.
        logs: the folder of their logs.
    """
    return [
        Command(
            name=name,
            argv=(
                *(sys.executable, "-P", "-m", "celery", "-A", celery_app, "worker"),
                *("-Q", role.queue, "--concurrency", str(role.concurrency)),
                *("-n", f"{name}-{token}@%h", "--loglevel", "INFO"),
                *("--without-gossip", "--without-mingle"),
            ),
            log=logs / f"{name}.log",
            env={"TUNEQ_CONFIG": str(config)},
            cwd=logs,  # Celery imports from its current folder: one without modules
            grace_s=WORKER_GRACE_S,
        )
        for name in (f"{role.name}{number}" for number in range(1, role.count + 1))
    ]

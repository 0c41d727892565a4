"""`tuneq up`: everything on one machine, in the foreground."""

import json
import shlex
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import click

from tuneq_sandbox.redis_server.ensure import without_password
from tuneq_sandbox.stack import Addresses, Stack, configured_redis_url, evaluators, run_workers

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class _StopRequestedError(BaseException):
    """The user asked for the end; not an Exception, so that nothing on the way swallows it."""


@click.command(
    epilog="\b\nExample:\n  tuneq up --workers 2 --dir ./tuneq-up\n"
    "  TUNEQ_CONFIG=./tuneq-up/tuneq.toml tuneq ls",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the sandbox provider.  [default: a free one]",
)
@click.option(
    "--workers", type=click.IntRange(min=0), default=1, show_default=True, help="Run workers."
)
@click.option(
    "--evaluators",
    "evaluator_count",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Evaluation workers.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tuneq-up"),
    show_default=True,
    help="Keeps everything: data, configuration, logs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line once all is ready.")
def up(
    *, port: int | None, workers: int, evaluator_count: int, folder: Path, as_json: bool
) -> None:
    """Run Redis, the sandbox provider, workers and evaluators until Ctrl-C or SIGTERM.

    Redis is started here unless one is configured. Nothing of it outlives this command. A second
    Ctrl-C kills everything at once.
    """
    stack = Stack(
        folder,
        roles=(run_workers(workers), evaluators(evaluator_count)),
        redis_url=configured_redis_url(folder),
        provider_port=port,
    )
    with _Signals(stack) as signals:
        try:
            addresses = stack.start()
            click.echo(_in_json(addresses) if as_json else _in_words(addresses))
            stack.wait()
        except _StopRequestedError:
            click.echo("stopping everything; once more to kill it", err=True)
        finally:
            signals.stopping = True
            stack.stop()


class _Signals:
    """SIGTERM and SIGINT ask for the end; while the stack is stopping, they kill it."""

    def __init__(self, stack: Stack) -> None:
        self.stopping = False
        self._stack = stack
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._former = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            self._stack.kill()
            return
        self.stopping = True
        raise _StopRequestedError


def _in_json(addresses: Addresses) -> str:
    return json.dumps(
        {
            "event": "ready",
            "redis_url": addresses.redis_url,
            "sandbox_url": addresses.sandbox_url,
            "config": str(addresses.config),
        }
    )


def _in_words(addresses: Addresses) -> str:
    return (
        f"Redis      {without_password(addresses.redis_url)} (password in the configuration)\n"
        f"provider   {addresses.sandbox_url}\n"
        f"logs       {addresses.logs}\n"
        f"config     {addresses.config}\n"
        f"In another terminal: export TUNEQ_CONFIG={shlex.quote(str(addresses.config))}\n"
        "Ctrl-C stops everything."
    )

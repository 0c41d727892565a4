"""`tuneq up`: everything on one machine, in the foreground."""

import json
import shlex
from pathlib import Path
from typing import get_args

import click

from tuneq_sandbox.stack import Addresses, Stack, configured_redis_url, evaluators, run_workers
from tuneq_sandbox.stack.signals import Signals, StopRequestedError
from tuneq_shared.dialects import Dialect
from tuneq_shared.redis_store.connection import without_password


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
@click.option(
    "--dialect",
    type=click.Choice(get_args(Dialect)),
    default="openai",
    show_default=True,
    help="Of the sandbox provider: whose API it is to look like.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line once all is ready.")
def up(
    *,
    port: int | None,
    workers: int,
    evaluator_count: int,
    folder: Path,
    dialect: Dialect,
    as_json: bool,
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
        dialect=dialect,
    )
    with Signals(stack) as signals:
        try:
            addresses = stack.start()
            click.echo(_in_json(addresses) if as_json else _in_words(addresses))
            stack.wait()
        except StopRequestedError:
            click.echo("stopping everything; once more to kill it", err=True)
        finally:
            signals.stopping = True
            stack.stop()


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

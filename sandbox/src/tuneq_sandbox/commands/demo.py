"""`tuneq demo`: the published experiment in small, on this machine alone."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click

from tuneq_producer.command_table import find_command
from tuneq_sandbox.demo.experiment import GROUP, Experiment
from tuneq_sandbox.provider.faces.registry import face_of
from tuneq_sandbox.stack import Stack, configured_redis_url, evaluators, run_workers
from tuneq_sandbox.stack.signals import Signals, StopRequestedError
from tuneq_shared.dialects import Dialect

_INTERRUPTED = 130


@click.command(epilog="\b\nExample:\n  tuneq demo --data ScienceQA/data/scienceqa")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tuneq-demo"),
    show_default=True,
    help="Keeps everything: data, artifacts, logs. The same folder again goes on there.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    help="Official ScienceQA files to use in place of a made-up set.",
)
@click.option(
    "--dialect",
    type=click.Choice(get_args(Dialect)),
    default="openai",
    show_default=True,
    help="Of the sandbox provider: whose API it is to look like.",
)
@click.pass_context
def demo(ctx: click.Context, *, folder: Path, data: Path | None, dialect: Dialect) -> None:
    """Prepare a data set, fine-tune on samples of several sizes, evaluate, and report.

    Offline, without a key or a server: Redis, the provider and the workers are started here and
    stopped at the end. The provider is a simulation that really learns from what is uploaded.
    """
    stack = Stack(
        folder,
        roles=(run_workers(1), evaluators(1)),
        redis_url=configured_redis_url(folder),
        dialect=dialect,
    )
    with Signals(stack) as signals:
        try:
            click.echo(f"Starting Redis, the sandbox provider and two workers in {folder}/ ...")
            with _configured_by(stack.start().config):
                good = _carry_out(Experiment(folder, data, face_of(dialect).demo_model))
        except StopRequestedError:
            click.echo("stopping; the same command again goes on from here", err=True)
            ctx.exit(_INTERRUPTED)
        finally:
            signals.stopping = True
            stack.stop()
    _say_where(folder)
    if not good:
        ctx.exit(1)


def _carry_out(experiment: Experiment) -> bool:
    folder, prepared = experiment.folder, experiment.folder / "prepared"
    splits = ("--split", "train", "--split", "val")
    _tuneq("prepare", "scienceqa", experiment.source(), "--out", prepared, *splits, "--force")
    _tuneq("submit", "--manifest", experiment.manifest(prepared))
    good = _tuneq("watch", "--group", GROUP)
    markdown, csv = folder / "report.md", folder / "report.csv"
    return _tuneq("report", GROUP, "--markdown", markdown, "--csv", csv) and good


def _tuneq(name: str, *words: object) -> bool:
    """Run another command as a user would, and show how; answers whether all went well."""
    args = [str(word) for word in words]
    click.secho(f"\n$ tuneq {shlex.join([name, *args])}", bold=True)
    command = find_command(name)
    if command is None:
        raise LookupError(f"there is no command {name}")
    return not command.main(args, f"tuneq {name}", standalone_mode=False)


@contextmanager
def _configured_by(config: Path) -> Iterator[None]:
    before = os.environ.get("TUNEQ_CONFIG")
    os.environ["TUNEQ_CONFIG"] = str(config)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TUNEQ_CONFIG"]
        else:
            os.environ["TUNEQ_CONFIG"] = before


def _say_where(folder: Path) -> None:
    click.echo(
        f"\nEverything lies in {folder}/: predictions in data/evaluations, step metrics in "
        "data/runs,\nthe report as report.md and report.csv, logs in logs. To look around again:\n"
        f"  tuneq up --dir {shlex.quote(str(folder))}\n"
        f"  tuneq --config {shlex.quote(str(folder / 'tuneq.toml'))} show {GROUP}/samples-50"
    )

"""The `tuneq` command: a group whose commands are imported only when they are called."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from tuneq_producer.command_table import find_command, list_commands, summary_of
from tuneq_producer.error_report import INTERRUPTED, report_error, report_misuse
from tuneq_shared.errors import TuneqError


class TuneqGroup(click.Group):
    """Commands by name, imported when called; errors end as two lines and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, in the order of the alphabet."""
        del ctx
        return list_commands()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported."""
        del ctx
        return find_command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, read from the modules without importing them."""
        rows = [(name, summary_of(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; errors of libraries become errors for people."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # Imported here, so that `tuneq --help` need not wait for it.
            from tuneq_producer.known_errors import as_known  # noqa: PLC0415 - see above

            known = as_known(error)
            if known is None or known is error:
                raise
            raise known from error

    def main(  # type: ignore[override]  # this one never returns
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and leave with its exit code."""
        words = sys.argv[1:] if args is None else list(args)
        as_json = "--json" in words
        extra["standalone_mode"] = False
        try:
            code: object = super().main(words, prog_name, complete_var, **extra)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(INTERRUPTED)
        except click.ClickException as error:
            sys.exit(report_misuse(error, as_json=as_json))
        except TuneqError as error:
            sys.exit(report_error(error, as_json=as_json))
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=TuneqGroup,
    epilog="\b\nExample:"
    "\n  tuneq submit --train train.jsonl --model gpt-4.1-mini-2025-04-14 --evaluate val.jsonl"
    "\n  tuneq watch --all",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration file.  [default: TUNEQ_CONFIG, ./tuneq.toml, the user's]",
)
@click.version_option(package_name="tuneq-producer", prog_name="tuneq")
@click.pass_context
def main(ctx: click.Context, *, config: Path | None) -> None:
    """Fine-tunes in bulk: from dataset to trained model to measured accuracy."""
    if config is not None:
        _set_variable(ctx, "TUNEQ_CONFIG", str(config))


def _set_variable(ctx: click.Context, name: str, value: str) -> None:
    before = os.environ.get(name)

    def restore() -> None:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before

    os.environ[name] = value
    ctx.call_on_close(restore)

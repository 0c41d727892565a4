"""How errors reach the user: two lines on stderr, or one JSON object on stdout."""

import json

import click

from tuneq_shared.errors import TuneqError
from tuneq_shared.steering import unsteered

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def report_misuse(error: click.ClickException, *, as_json: bool) -> int:
    """Tell of a wrong command line; answers the exit code."""
    if as_json:
        context = error.ctx if isinstance(error, click.UsageError) else None
        path = context.command_path if context else "tuneq"
        _print_json("usage", error.format_message(), f"see `{path} --help`")
    else:
        error.show()
    return error.exit_code


def report_error(error: TuneqError, *, as_json: bool) -> int:
    """Tell of an error that a command met; answers the exit code."""
    if as_json:
        _print_json(error.code, error.message, error.hint)
        return error.exit_code
    click.echo(unsteered(f"error: {error.message}"), err=True)
    if error.hint:
        click.echo(unsteered(f"hint: {error.hint}"), err=True)
    return error.exit_code


def _print_json(code: str, message: str, hint: str) -> None:
    # The standard library's JSON escapes what is no Unicode, such as bytes of a file's name.
    click.echo(json.dumps({"error": {"code": code, "message": message, "hint": hint}}))

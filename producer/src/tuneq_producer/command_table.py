"""Which commands there are: those of this package, and those that others bring."""

import ast
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

import click

GROUP = "tuneq.commands"
"""Entry points of this group are commands, too; each is named like its command."""

NAMES = (
    "accounts", "cancel", "check", "compare", "doctor", "evaluate", "events", "export", "ls",
    "mistakes", "prepare", "release", "report", "retry", "schema", "show", "submit", "sweep",
    "wait", "watch",
)  # fmt: skip
"""The commands of this package: each is an object in the module of its name."""


def list_commands() -> list[str]:
    """All names, in the order of the alphabet."""
    return sorted({*NAMES, *entry_points(group=GROUP).names})


def find_command(name: str) -> click.Command | None:
    """The command of that name, imported; none where there is no such command."""
    entry = _entry(name)
    if entry is None:
        return None
    module = import_module(entry.module)
    command = getattr(module, entry.attr)
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.value} is not a command")
    return command


def summary_of(name: str) -> str:
    """What a command is for: its module's first line, read without importing the module."""
    entry = _entry(name)
    spec = find_spec(entry.module) if entry else None
    if spec is None or spec.origin is None:
        return ""
    docstring = ast.get_docstring(ast.parse(Path(spec.origin).read_text("utf-8"))) or ""
    words = docstring.partition("\n")[0].removeprefix(f"`tuneq {name}`: ")
    return words[:1].upper() + words[1:]


def _entry(name: str) -> EntryPoint | None:
    if name in NAMES:
        return EntryPoint(name, f"{__package__}.commands.{name}:{name}", GROUP)
    return next(iter(entry_points(group=GROUP, name=name)), None)

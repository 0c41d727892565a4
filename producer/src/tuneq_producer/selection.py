"""Which runs a command is about: RUN ..., --group G or --all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from tuneq_producer.client import Client
from tuneq_shared.errors import InvalidInputError, NotFoundError

_Command = TypeVar("_Command", bound=Callable[..., Any])


def selection_options(command: _Command) -> _Command:
    """Add the argument `runs` and the options `group` and `all_runs` to a click command."""
    for add in (
        click.option("--all", "all_runs", is_flag=True, help="All runs."),
        click.option("--group", metavar="G", help="All runs of a group."),
        click.argument("runs", nargs=-1, metavar="[RUN]..."),
    ):
        command = add(command)
    return command


@dataclass(frozen=True, slots=True)
class Scope:
    """Runs that were named, or else a group, or else all: what is looked at again and again."""

    runs: tuple[str, ...] = ()  # ids
    group: str | None = None

    @property
    def title(self) -> str:
        """How to call it."""
        if self.runs:
            return "1 run" if len(self.runs) == 1 else f"{len(self.runs)} runs"
        return f"group {self.group}" if self.group is not None else "all runs"

    def ids(self, client: Client) -> list[str]:
        """The runs' ids, as given or oldest first."""
        return list(self.runs) or client.catalogue.run_ids(self.group)


def scope_of(
    client: Client, runs: tuple[str, ...], group: str | None, all_runs: bool = False
) -> Scope:
    """What is meant, for a command that reads: all runs where nothing is named.

    Raises:
        InvalidInputError: runs are named in more than one way.
        NotFoundError: no such run or group.
    """
    if sum((bool(runs), group is not None, all_runs)) > 1:
        raise InvalidInputError(
            "runs are named in more than one way", hint="give one of RUN ..., --group G and --all"
        )
    if group is not None and group not in client.catalogue.groups():
        raise NotFoundError(f"no group {group!r}", hint="`tuneq ls` shows the runs of all groups")
    return Scope(tuple(dict.fromkeys(map(client.catalogue.find_run, runs))), group)


def select_runs(
    client: Client, runs: tuple[str, ...], group: str | None, all_runs: bool = False
) -> list[str]:
    """The ids of the runs that are meant, each once, for a command that changes something.

    Args:
        client: whose catalogue is asked.
        runs: ids, unique prefixes of ids, or GROUP/NAME; answered in this order.
        group: take the runs of this group instead, oldest first.
        all_runs: take all runs instead, oldest first.

    Raises:
        InvalidInputError: nothing is named, or runs are named in more than one way.
        NotFoundError: no such run or group.
    """
    if not runs and group is None and not all_runs:
        raise InvalidInputError(
            "no runs are named",
            hint="give RUN ..., --group G or --all; `tuneq ls` lists the runs",
        )
    return scope_of(client, runs, group, all_runs).ids(client)

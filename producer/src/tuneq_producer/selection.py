"""Which runs a command is about: RUN ..., --group G or --all."""

from collections.abc import Callable
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


def select_runs(
    client: Client, runs: tuple[str, ...], group: str | None, all_runs: bool = False
) -> list[str]:
    """The ids of the runs that are meant, each once, in the order given or oldest first.

    Args:
        client: whose catalogue is asked.
        runs: ids, unique prefixes of ids, or GROUP/NAME.
        group: take the runs of this group instead.
        all_runs: take all runs instead.

    Raises:
        InvalidInputError: nothing is named, or more than one of the three.
        NotFoundError: no such run or group.
    """
    require_one(runs, group, all_runs)
    if runs:
        return list(dict.fromkeys(client.catalogue.find_run(text) for text in runs))
    if group is not None:
        require_group(client, group)
    return client.catalogue.run_ids(group)


def require_one(runs: tuple[str, ...], group: str | None, all_runs: bool) -> None:
    """Make sure that runs are named in exactly one way.

    Raises:
        InvalidInputError: they are not.
    """
    ways = [bool(runs), group is not None, all_runs]
    if sum(ways) != 1:
        problem = "name one of" if any(ways) else "no runs are named: name"
        raise InvalidInputError(
            f"{problem} RUN ..., --group G or --all",
            hint="`tuneq ls` lists the runs and their groups",
        )


def require_group(client: Client, group: str) -> None:
    """Make sure that there is such a group.

    Raises:
        NotFoundError: there is none.
    """
    if not client.catalogue.counts(group):
        raise NotFoundError(f"no group {group!r}", hint="`tuneq ls` shows the groups of all runs")

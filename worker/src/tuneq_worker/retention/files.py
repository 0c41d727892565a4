"""Deleting files at the provider that no run needs any more."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import sample

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Ports

_IN_A_ROW = 3
"""Deletions without an answer after which the provider is left in peace until the next turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """Of one account."""

    account: str
    deleted: int  # in a rehearsal: to be deleted
    left: int = 0
    trouble: str = ""  # why some are left


def delete_unneeded(
    ports: Ports,
    account: str,
    *,
    wanted: Callable[[], bool],
    dry: bool = False,
    more: Collection[str] = (),
) -> FileReport:
    """Delete an account's unneeded files; each is struck off once it is gone.

    Args:
        ports: the world.
        account: configured here or not.
        wanted: asked before each; ends early where it says no.
        dry: delete nothing.
        more: files that a rehearsal counts beside those that are forgotten already.
    """
    forgotten = ports.retention.forgotten(account)
    files = ports.retention.unneeded(account, forgotten) | set(more)
    if not files:
        return FileReport(account=account, deleted=0)
    try:
        provider = ports.accounts.provider(account)
    except ConfigurationError as error:
        return FileReport(account=account, deleted=0, left=len(files), trouble=error.message)
    if dry:
        return FileReport(account=account, deleted=len(files))
    return _delete(ports, account, provider, files, wanted)


def _delete(
    ports: Ports, account: str, provider: Provider, files: set[str], wanted: Callable[[], bool]
) -> FileReport:
    done, left, in_a_row, trouble = 0, len(files), 0, ""
    # In any order: some that can never be deleted are not always in the way of the others.
    for file_id in sample(sorted(files), len(files)):
        if not wanted() or in_a_row == _IN_A_ROW:
            break
        if not ports.retention.unneeded(account, [file_id]):
            left -= 1  # a request has named it meanwhile, or another process has deleted it
            continue
        try:
            provider.delete_file(file_id)
        except ProviderError as error:
            trouble = f"{file_id}: {error.message}"
            in_a_row += error.kind is not ErrorKind.BAD_REQUEST
        else:
            ports.retention.deleted(account, file_id)
            done, left, in_a_row = done + 1, left - 1, 0
    return FileReport(account=account, deleted=done, left=left, trouble=trouble)

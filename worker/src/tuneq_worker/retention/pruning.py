"""Letting go of what ended long ago."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import compress

from tuneq_shared.domain.item import Kind
from tuneq_shared.ports.retention import EndedItem
from tuneq_worker.ports.stage import Ports
from tuneq_worker.retention.files import FileReport, delete_unneeded

DAY_S = 86_400.0
_KINDS = (Kind.UPLOAD, Kind.RUN, Kind.EVALUATION, Kind.DEPLOYMENT)
_CHUNK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What has gone, or in a rehearsal would go."""

    runs: int
    evaluations: int
    uploads: int
    files: tuple[FileReport, ...]  # an account each

    @property
    def ok(self) -> bool:
        """Whether no file was left at a provider for want of a key or of an answer."""
        return not any(report.trouble for report in self.files)


def count_old(ports: Ports, age_s: float) -> int:
    """How many items ended so long ago, those included that something still needs."""
    until = ports.retention.cutoff(age_s)
    return sum(ports.retention.count(kind, until) for kind in _KINDS)


def prune(
    ports: Ports,
    age_s: float,
    *,
    dry: bool = False,
    wanted: Callable[[], bool] = lambda: True,
    advance: Callable[[int], None] = lambda _: None,
) -> Pruned:
    """Let go of what is old, then delete the files at all accounts that nothing needs.

    Args:
        ports: the world; that its data root is the right one has been checked.
        age_s: seconds since the end of what is to go.
        dry: change nothing.
        wanted: asked every now and then; ends early where it says no.
        advance: is told how many more items were looked at.

    Raises:
        DataRootError: the data root cannot be written.
    """
    going: dict[str, set[str]] = {}

    def note(upload: EndedItem) -> None:
        going.setdefault(upload.fixed["account"], set()).update(upload.files)

    gone = let_go(ports, age_s, dry=dry, wanted=wanted, advance=advance, note=note)
    # Struck on by now, unless this is a rehearsal.
    more = going if dry else {}
    accounts = sorted(ports.settings.accounts.keys() | ports.retention.accounts() | more.keys())
    reports = [
        delete_unneeded(ports, account, wanted=wanted, dry=dry, more=more.get(account, ()))
        for account in accounts
    ]
    return Pruned(
        runs=gone[Kind.RUN],
        evaluations=gone[Kind.EVALUATION],
        uploads=gone[Kind.UPLOAD],
        files=tuple(report for report in reports if report.deleted or report.left),
    )


def let_go(
    ports: Ports,
    age_s: float,
    *,
    dry: bool = False,
    wanted: Callable[[], bool] = lambda: True,
    advance: Callable[[int], None] = lambda _: None,
    note: Callable[[EndedItem], None] = lambda _: None,
) -> dict[Kind, int]:
    """Archive runs and evaluations, forget uploads; how many of each.

    Any number may do so at once, and dying at any point costs nothing: what was archived and not
    forgotten, or forgotten and not deleted at the provider, is the next one's.

    Args:
        ports: the world; that its data root is the right one has been checked.
        age_s: seconds since the end of what is to go.
        dry: change nothing.
        wanted: asked every now and then; ends early where it says no.
        advance: is told how many more items were looked at.
        note: is told every upload that has gone.

    Raises:
        DataRootError: the data root cannot be written.
    """
    gone = dict.fromkeys(_KINDS, 0)
    # Once: else a run could be old enough a moment after its upload was not.
    until = ports.retention.cutoff(age_s)
    for kind in _KINDS:
        for ended in _let_go(ports, kind, until, dry=dry, wanted=wanted, advance=advance):
            gone[kind] += 1
            if kind is Kind.UPLOAD:
                note(ended)
    return gone


def _let_go(
    ports: Ports,
    kind: Kind,
    until: float,
    *,
    dry: bool,
    wanted: Callable[[], bool],
    advance: Callable[[int], None],
) -> Iterator[EndedItem]:
    """Let old items of a kind go; those that have gone."""
    leave = ports.retention.forget if kind is Kind.UPLOAD else ports.archive.put_away
    start = 0
    while wanted() and (items := ports.retention.old(kind, until, start, _CHUNK)):
        ended = ports.retention.read(items)
        # What is still needed is not written to the archive every time.
        going = list(compress(ended, ports.retention.forget(ended, dry=True)))
        if not dry:
            going = list(compress(going, leave(going)))
        advance(len(items))
        yield from going
        # What has gone is no longer in the way of the next ones.
        start += len(items) if dry else len(items) - len(going)

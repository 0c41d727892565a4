"""One account: its jobs listed, compared, and dealt with as asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tuneq_shared.errors import ConfigurationError
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.ports.stage import Ports
from tuneq_worker.reconcile.adoption import adopt
from tuneq_worker.reconcile.attribution import Attribution, attribution
from tuneq_worker.reconcile.cancelling import cancel
from tuneq_worker.reconcile.comparison import Finding, compare, sort_out
from tuneq_worker.reconcile.standing import Standing
from tuneq_worker.reconcile.strays import Stray, strays

_NOTHING_ADOPTED = "nothing is adopted: its jobs do not tell whose they are"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """What an account has, and what was done about it."""

    account: str
    findings: tuple[Finding, ...] = ()
    foreign: int = 0
    marked: bool = True  # its jobs keep their metadata
    strays: tuple[Stray, ...] = ()
    trouble: str = ""  # why this is not all

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs have which standing."""
        times = Counter(finding.verdict.standing for finding in self.findings)
        times[Standing.FOREIGN] = self.foreign
        return {standing.value: times[standing] for standing in Standing}

    @property
    def open(self) -> int:
        """Active jobs that no run follows."""
        return sum(finding.stands_open for finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether all was looked at, and no active job or deployment of ours is without a need."""
        standing = any(stray.stands for stray in self.strays)
        return not self.open and not standing and not self.trouble


def reconcile(account: str, ports: Ports, *, cancels: bool, adopts: bool) -> AccountReport:
    """Compare an account's jobs with the runs here.

    Args:
        account: its name; a missing key is told in the report.
        ports: the world.
        cancels: cancel active jobs that no run follows and none is going to; with `adopts` only
            the surplus ones, for an orphan that cannot be adopted is for people to judge. Remove
            deployments that no evaluation needs.
        adopts: rebuild the runs of orphans.

    Raises:
        TuneqError: a run here cannot be read.
    """
    try:
        books = ports.accounts.provider(account)
    except ConfigurationError as error:
        return AccountReport(account=account, trouble=error.message)
    try:
        jobs = list(books.all_jobs())  # to the end: the runs are read after the jobs
    except ProviderError as error:
        return AccountReport(account=account, trouble=_words(error))
    keeps = ports.settings.account(account)[1].capabilities.metadata
    known = _known(account, ports)
    marked, foreign = sort_out(jobs, known.purchase_of)
    findings, trouble = compare(marked, ports.catalogue), ""
    if adopts and not keeps:
        trouble = _NOTHING_ADOPTED
    elif adopts:
        orphans = [f.marked for f in findings if f.verdict.standing is Standing.ORPHAN]
        deeds = adopt(account, orphans, ports)
        # Anew: a rebuilt run owns more than one of them where it has bought more than once.
        findings = [
            replace(finding, deed=deeds.get(finding.job.id, ""))
            for finding in compare(marked, ports.catalogue)
        ]
    if cancels:
        spared = {Standing.ORPHAN} if adopts else set()
        findings, ended = _cancelled(account, findings, ports, spared)
        trouble = "; ".join(filter(None, (trouble, ended)))
    found: tuple[Stray, ...] = ()
    if ports.settings.account(account)[1].capabilities.deployment:
        try:
            found = tuple(strays(account, ports, removes=cancels))
        except ProviderError as error:
            trouble = "; ".join(filter(None, (trouble, _words(error))))
    return AccountReport(
        account=account,
        findings=tuple(findings),
        foreign=foreign,
        marked=keeps,
        strays=found,
        trouble=trouble,
    )


def _known(account: str, ports: Ports) -> Attribution:
    """Whose the jobs are that do not say so themselves, as the runs are now."""
    keeps = ports.settings.account(account)[1].capabilities.metadata
    return Attribution({}, {}) if keeps else attribution(account, ports.catalogue)


def _cancelled(
    account: str, findings: Sequence[Finding], ports: Ports, spared: set[Standing]
) -> tuple[list[Finding], str]:
    """The findings after it, and what ended it before its time."""
    books = ports.accounts.provider(account)
    after = list(findings)
    for place, finding in enumerate(findings):
        verdict = finding.verdict
        if finding.stands_open and verdict.cancellable and verdict.standing not in spared:
            try:
                after[place] = cancel(finding, books, _known(account, ports), ports.catalogue)
            except ProviderError as error:
                return after, f"cancelling ended before its time: {_words(error)}"
    return after, ""


def _words(error: ProviderError) -> str:
    return f"{error.code}: {error.message}"

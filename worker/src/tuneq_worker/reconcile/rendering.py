"""Reports for people and for scripts."""

from collections.abc import Iterator, Sequence
from typing import Any

from tuneq_worker.reconcile.comparison import Finding
from tuneq_worker.reconcile.reconciling import AccountReport
from tuneq_worker.reconcile.standing import Standing
from tuneq_worker.reconcile.strays import Stray

_QUIET_SHOWN = 20  # rows of ended jobs that nobody has to do anything about
_HEADER = ("standing", "job", "status", "purchase", "what is known, and what was done")


def document(reports: Sequence[AccountReport]) -> dict[str, Any]:
    """All reports as one JSON document."""
    return {
        "ok": all(report.ok for report in reports),
        "accounts": [
            {
                "account": report.account,
                "trouble": report.trouble or None,
                "keeps_metadata": report.marked,
                "counts": report.counts,
                "open": report.open,
                "deployments": [_stray(stray) for stray in report.strays],
                "jobs": [_row(finding) for finding in report.findings if _is_told(finding)],
            }
            for report in reports
        ],
    }


def lines(report: AccountReport) -> Iterator[str]:
    """A report as text: counts, then the jobs that are not simply owned or foreign."""
    counts = ", ".join(f"{count} {word}" for word, count in report.counts.items())
    if report.findings or report.foreign or not report.trouble:
        yield f"account {report.account}: {counts}; {report.open} active without a run"
    if not report.marked:
        yield (
            f"account {report.account} keeps no metadata: jobs are told by the runs here and by "
            "the training files that were uploaded for them; any other is foreign, and a run that "
            "was lost cannot be rebuilt from its job"
        )
    told = [finding for finding in report.findings if _is_told(finding)]
    quiet = [finding for finding in told if _is_quiet(finding)]
    shown = [finding for finding in told if not _is_quiet(finding)] + quiet[:_QUIET_SHOWN]
    if shown:
        yield from _table([_HEADER, *map(_cells, shown)])
    if len(quiet) > _QUIET_SHOWN:
        yield f"and {len(quiet) - _QUIET_SHOWN} more that have ended; --json tells them all"
    for stray in report.strays:
        what = f"deployment {stray.remote.id} of {stray.remote.model} ({stray.remote.raw_state})"
        yield f"account {report.account}: {what}: {stray.deed or 'no evaluation needs it'}"
    if report.trouble:
        yield f"account {report.account}: {report.trouble}"


def hints(reports: Sequence[AccountReport]) -> Iterator[str]:
    """What to do about what stands open."""
    open_ones = {f.verdict.standing for r in reports for f in r.findings if f.stands_open}
    orphans = any(report.counts[Standing.ORPHAN] for report in reports)
    if orphans:
        yield (
            "orphans: after a loss of Redis submit the same requests again, and their runs find "
            "their jobs. Only where the requests are lost, too, --adopt rebuilds what it can of "
            "the runs; the same request is then refused as a conflict"
        )
    if Standing.ORPHAN in open_ones:
        yield (
            "orphans may be another tuneq's on the same account: look before you --cancel, which "
            "ends them"
        )
    if any(stray.stands for report in reports for stray in report.strays):
        yield (
            "deployments that no evaluation needs may cost by the hour: --cancel removes them; "
            "they may be another tuneq's on the same account"
        )
    if Standing.SURPLUS in open_ones:
        yield "surplus: --cancel ends those that no run can take any more"


def _stray(stray: Stray) -> dict[str, Any]:
    remote = stray.remote
    return {
        "deployment": remote.id,
        "name": remote.name,
        "model": remote.model,
        "status": remote.raw_state,
        "open": stray.stands,
        "created_at": remote.created_at,
        "deed": stray.deed or None,
    }


def _is_told(finding: Finding) -> bool:
    return bool(finding.deed) or finding.verdict.standing is not Standing.OWNED


def _is_quiet(finding: Finding) -> bool:
    return finding.job.status.is_terminal and not finding.deed


def _row(finding: Finding) -> dict[str, Any]:
    job, verdict = finding.job, finding.verdict
    return {
        "standing": verdict.standing,
        "job": job.id,
        "status": job.raw_status,
        "open": finding.stands_open,
        "run": finding.marked.purchase.run,
        "purchase": job.purchase,
        "group": job.labels.get("tuneq_group"),
        "name": job.labels.get("tuneq_name"),
        "created_at": job.created_at,
        "note": verdict.note or None,
        "deed": finding.deed or None,
    }


def _cells(finding: Finding) -> tuple[str, ...]:
    job, verdict = finding.job, finding.verdict
    words = "; ".join(filter(None, (verdict.note, finding.deed)))
    return (verdict.standing, job.id, job.raw_status, job.purchase or "", words)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()

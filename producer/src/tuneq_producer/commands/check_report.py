"""A check's report as text."""

import math
from collections.abc import Mapping

import click

from tuneq_shared.data.codes import CODES
from tuneq_shared.data.report import CheckReport, FileReport
from tuneq_shared.steering import unsteered

_CLASSES_SHOWN = 8
_BAR = 30


def print_report(report: CheckReport) -> None:
    """Print the findings, what to do about each kind, and what the files hold."""
    for finding in report.findings:
        place = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
        click.echo(unsteered(f"{place}: {finding.severity} {finding.code} {finding.message}"))
    if report.findings:
        click.echo()
        _print_codes(report)
        click.echo()
    _print_files(report.files)
    for file in report.files:
        _print_lengths(file)
        _print_classes(f"labels of {file.file}", file.labels)
        _print_classes(f"answers of {file.file}", file.answers)
    verdict = "ok" if report.ok else "not ok"
    click.echo(f"{verdict}: {report.errors} errors, {report.warnings} warnings")


def _print_codes(report: CheckReport) -> None:
    rows = [
        (str(count), CODES[code].severity_when(strict=report.strict), code, CODES[code].hint)
        for code, count in report.counts.most_common()
    ]
    width = max(len(code) for _, _, code, _ in rows)
    for count, severity, code, hint in rows:
        click.echo(f"{count:>9}  {severity:<7}  {code:<{width}}  {hint}")


def _print_files(files: tuple[FileReport, ...]) -> None:
    width = max(len(file.file) for file in files)
    click.echo(f"{'file':<{width}}  {'examples':>9}  {'tokens':>11}  used for")
    for file in files:
        uses = ", ".join(file.uses)
        click.echo(f"{file.file:<{width}}  {file.examples:>9}  {file.tokens:>11}  {uses}")
    methods = dict.fromkeys(file.token_method for file in files)
    click.echo(f"tokens are estimated by {', or by '.join(methods)}")


def _print_lengths(file: FileReport) -> None:
    lengths = file.lengths
    if lengths is None:
        return
    quantiles = (
        f"{lengths['p50']} at the median, {lengths['p95']} at 95 %, {lengths['p99']} at 99 %"
    )
    click.echo(
        f"tokens of an example of {file.file}: {lengths['min']} at least, {quantiles}, "
        f"{lengths['max']} at most, {lengths['mean']} on average"
    )
    most = max(part["examples"] for part in lengths["histogram"])
    for part in lengths["histogram"]:
        bar = "#" * math.ceil(_BAR * part["examples"] / most)
        click.echo(f"{part['from']:>9} - {part['to']:<9} {part['examples']:>9}  {bar}".rstrip())


def _print_classes(title: str, counts: Mapping[str, int]) -> None:
    if not counts:
        return
    total = sum(counts.values())
    shown = [
        f"{name} {count} ({count / total:.1%})"
        for name, count in list(counts.items())[:_CLASSES_SHOWN]
    ]
    more = f", and {len(counts) - _CLASSES_SHOWN} more" if len(counts) > _CLASSES_SHOWN else ""
    click.echo(unsteered(f"{title}: {', '.join(shown)}{more}"))

"""`tuneq prune`: old runs to the data root, unneeded files away from the provider."""

import sys
from typing import TYPE_CHECKING

import click
import orjson

if TYPE_CHECKING:
    from tuneq_worker.retention.pruning import Pruned


_MOST_DAYS = 36_500


def _in_days(ctx: click.Context, param: click.Parameter, days: float | None) -> float | None:
    """Also "nan" and "inf" are numbers to click."""
    if days is not None and not 0 <= days <= _MOST_DAYS:
        raise click.BadParameter(f"{days} is not in the range from 0 to {_MOST_DAYS}.", ctx, param)
    return days


@click.command(
    epilog="\b\nExample:\n  tuneq prune --dry-run\n  tuneq prune --older-than 30",
)
@click.option(
    "--older-than",
    "days",
    type=float,
    callback=_in_days,
    metavar="DAYS",
    help="Days since the end of what is to go.  [default: retention_days]",
)
@click.option("--dry-run", "dry", is_flag=True, help="Say what would go, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def prune(ctx: click.Context, /, *, days: float | None, dry: bool, as_json: bool) -> None:
    """Move what ended long ago from Redis to the data root, and delete files that no run needs.

    Run workers do the same by themselves. Archived runs are shown, reported and retried as before,
    and their idempotency keys and names stay taken. Files are deleted at the provider only if
    tuneq has sent them; that needs the account's key, as a worker does. Exit code 1: files are left
    for want of a key, of an answer, or of the account in the configuration.
    """
    # Imported here: `--help` need not wait for it.
    from tuneq_shared.redis_store.connection import reachable  # noqa: PLC0415 - see above
    from tuneq_shared.settings import load_settings  # noqa: PLC0415 - see above
    from tuneq_worker.bootstrap import World  # noqa: PLC0415 - see above
    from tuneq_worker.retention.pruning import DAY_S, count_old  # noqa: PLC0415 - see above
    from tuneq_worker.retention.pruning import prune as pruned  # noqa: PLC0415 - see above

    settings = load_settings()
    days = float(settings.retention_days) if days is None else days
    world = World(settings)
    with reachable(settings.redis_url):
        world.fleet.now()
    world.ports.data.settle(world.fleet)
    age_s = days * DAY_S
    hidden = not sys.stderr.isatty()
    with click.progressbar(
        length=count_old(world.ports, age_s), label="pruning", file=sys.stderr, hidden=hidden
    ) as bar:
        result = pruned(world.ports, age_s, dry=dry, advance=bar.update)
    if as_json:
        click.echo(orjson.dumps({"dry_run": dry, "older_than_days": days, **_document(result)}))
    else:
        _print(result, dry=dry)
    ctx.exit(0 if result.ok else 1)


def _document(result: "Pruned") -> dict[str, object]:
    return {
        "ok": result.ok,
        "runs": result.runs,
        "evaluations": result.evaluations,
        "uploads": result.uploads,
        "files": [
            {
                "account": report.account,
                "deleted": report.deleted,
                "left": report.left,
                "trouble": report.trouble or None,
            }
            for report in result.files
        ],
    }


def _print(result: "Pruned", *, dry: bool) -> None:
    would = "would be " if dry else ""
    files = sum(report.deleted for report in result.files)
    click.echo(
        f"{would}archived: {result.runs} runs, {result.evaluations} evaluations; "
        f"{would}forgotten: {result.uploads} uploads; "
        f"{would}deleted at the provider: {files} files"
    )
    for report in result.files:
        if report.trouble:
            click.echo(
                f"account {report.account}: {report.left} files are left: {report.trouble}",
                err=True,
            )

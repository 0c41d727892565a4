"""`tuneq doctor`: whether everything that runs need is there, and what to do where it is not."""

from collections.abc import Iterator

import click
import orjson

from tuneq_producer.doctor.accounts import check_accounts
from tuneq_producer.doctor.configuration import check_configuration
from tuneq_producer.doctor.data_root import check_data_root
from tuneq_producer.doctor.end_dates import check_end_dates
from tuneq_producer.doctor.finding import Finding, Status
from tuneq_producer.doctor.redis_server import check_redis
from tuneq_producer.doctor.workers import check_workers
from tuneq_shared.steering import unsteered


@click.command(epilog="\b\nExample:\n  tuneq doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def doctor(ctx: click.Context, /, *, as_json: bool) -> None:
    """Look at the configuration, Redis, the data root, the workers and the accounts.

    Exit code 0: nothing is broken, though there may be warnings; 1: something is; 3: Redis cannot
    be reached.
    """
    found = []
    for finding in _findings():
        found.append(finding)
        if not as_json:
            _print(finding)
    good = all(finding.status is not Status.FAIL for finding in found)
    if as_json:
        checks = [finding.to_json() for finding in found]
        click.echo(orjson.dumps({"ok": good, "checks": checks}))
    ctx.exit(0 if good else 1)


def _findings() -> Iterator[Finding]:
    # Imported here: `--help` need not wait for it.
    from tuneq_producer.client import open_client  # noqa: PLC0415 - see above
    from tuneq_shared.settings import load_settings  # noqa: PLC0415 - see above

    settings = load_settings()
    yield from check_configuration(settings)
    client = open_client(settings)
    yield from check_redis(settings)
    yield from check_data_root(client)
    yield from check_workers(client)
    yield from check_accounts(client)
    yield from check_end_dates(client)


def _print(finding: Finding) -> None:
    click.echo(unsteered(f"{finding.status:<5} {finding.check:<14} {finding.message}"))
    if finding.hint:
        click.echo(unsteered(f"{'':<20} -> {finding.hint}"))

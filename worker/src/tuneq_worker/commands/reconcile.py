"""`tuneq reconcile`: an account's jobs and deployments against what is here."""

import click
import orjson


@click.command(
    epilog="\b\nExample:\n  tuneq reconcile\n  tuneq reconcile --account openai --cancel",
)
@click.option("--account", metavar="A", help="Only this account.  [default: all]")
@click.option(
    "--cancel",
    "cancels",
    is_flag=True,
    help="Cancel active jobs that no run follows, and remove deployments that none needs.",
)
@click.option(
    "--adopt",
    "adopts",
    is_flag=True,
    help="Rebuild the runs of orphans as far as the provider knows them: without evaluation, and "
    "the same request is refused afterwards. To submit it again instead is better.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def reconcile(
    ctx: click.Context, /, *, account: str | None, cancels: bool, adopts: bool, as_json: bool
) -> None:
    """List jobs that no run follows: surplus ones of a purchase, and orphans of runs not here.

    Deployed models that no evaluation needs are listed, too. Needs the accounts' keys, as a worker
    does. Jobs that tuneq has not bought are counted and never touched. With --adopt and --cancel,
    orphans are adopted or left alone, and surplus jobs are cancelled. Exit code 1: a job that no
    run follows is still active, a deployment that none needs still stands, or an account could not
    be looked at, for want of its key or of an answer.
    """
    # Imported here: `--help` need not wait for it.
    from tuneq_shared.errors import ConfigurationError  # noqa: PLC0415 - see above
    from tuneq_shared.redis_store.connection import reachable  # noqa: PLC0415 - see above
    from tuneq_shared.settings import load_settings  # noqa: PLC0415 - see above
    from tuneq_shared.steering import unsteered  # noqa: PLC0415 - see above
    from tuneq_worker.bootstrap import World  # noqa: PLC0415 - see above
    from tuneq_worker.reconcile import rendering  # noqa: PLC0415 - see above
    from tuneq_worker.reconcile.reconciling import reconcile as compared  # noqa: PLC0415 - above

    settings = load_settings()
    if account is not None:
        settings.account(account)
    names = sorted(settings.accounts) if account is None else [account]
    if not names:
        raise ConfigurationError(
            "no account is configured", hint="name one as [accounts.NAME] in tuneq.toml"
        )
    world = World(settings)
    with reachable(settings.redis_url):
        world.fleet.now()
    reports = []
    for name in names:
        click.echo(f"looking at the jobs of account {name}", err=True)
        report = compared(name, world.ports, cancels=cancels, adopts=adopts)
        reports.append(report)
        if not as_json:
            for line in rendering.lines(report):
                click.echo(unsteered(line))
    if as_json:
        click.echo(orjson.dumps(rendering.document(reports)))
    for hint in rendering.hints(reports):
        click.echo(f"hint: {hint}", err=True)
    ctx.exit(0 if all(report.ok for report in reports) else 1)

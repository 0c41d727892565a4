"""`tuneq release`: let held runs go on, or a stopped account and all its runs."""

from functools import partial

import click
import orjson

from tuneq_producer.client import Client, open_client
from tuneq_producer.operating import operate
from tuneq_producer.releasing import ask_release
from tuneq_producer.selection import selection_options
from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.lifecycle import AccountStage
from tuneq_shared.ports.items import Asked
from tuneq_shared.steering import unsteered

_EPILOG = """\b
Example:
  tuneq release qa/qa-1000
  tuneq release qa/qa-1000 --job ftjob-abc123
  tuneq release --account openai
"""


@click.command(epilog=_EPILOG)
@selection_options
@click.option("--job", metavar="JOB_ID", help="This one of its candidates is the RUN's job.")
@click.option("--new", "anew", is_flag=True, help="None of its candidates is: buy a job anew.")
@click.option("--account", metavar="A", help="A stopped account, instead of runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a run.")
@click.pass_context
def release(
    ctx: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    group: str | None,
    all_runs: bool,
    job: str | None,
    anew: bool,
    account: str | None,
    as_json: bool,
) -> None:
    """Let held runs go on from the stage that they were held in.

    A run that cannot tell which job is its own is held with the jobs that may be: its candidates,
    which `tuneq show` lists. Say --job or --new; without either it looks again. A candidate that is
    disowned by --new is neither adopted nor asked about again.

    With --account, an account that was stopped is tried again, and all its runs go on. Releasing
    again does no harm. Exit code 1: a RUN has failed or was cancelled, and only `tuneq retry` lets
    it go on.
    """
    if job is not None and anew:
        raise click.UsageError("Give --job or --new, not both.")
    if job is not None and (len(runs) != 1 or group is not None or all_runs):
        raise click.UsageError("--job needs exactly one RUN.")
    if account is None:
        act = partial(ask_release, job=job, anew=anew)
        good = operate(open_client(), runs, group, all_runs=all_runs, act=act, as_json=as_json)
        ctx.exit(0 if good else 1)
    if job is not None or anew:
        raise click.UsageError("--job and --new are about runs, not accounts.")
    if runs or group is not None or all_runs:
        raise click.UsageError("Give runs or an account, not both.")
    _release_account(open_client(), account, as_json=as_json)


def _release_account(client: Client, name: str, *, as_json: bool) -> None:
    item = account_id(client.settings.account(name)[0])
    (record,) = client.catalogue.read([item])
    stopped = record is not None and record.stage == AccountStage.STOPPED
    changed = stopped and client.items.ask([item], Asked.RELEASE)[0]
    message = "released" if changed else "is not stopped"
    if as_json:
        click.echo(orjson.dumps({"account": name, "changed": changed, "message": message}))
    else:
        click.echo(unsteered(f"{name}  {message}"))

"""`tuneq release`: let held runs go on, or a stopped account and all its runs."""

from collections.abc import Sequence

import click
import orjson

from tuneq_producer.client import Client, open_client
from tuneq_producer.operating import Deed, operate
from tuneq_producer.selection import selection_options
from tuneq_shared.domain.account import account_id
from tuneq_shared.domain.lifecycle import AccountStage, RunStage
from tuneq_shared.domain.record import Record
from tuneq_shared.ports.items import Asked

_ENDED_BADLY = {RunStage.FAILED, RunStage.CANCELLED}


@click.command(epilog="\b\nExample:\n  tuneq release qa/qa-1000\n  tuneq release --account openai")
@selection_options
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
    account: str | None,
    as_json: bool,
) -> None:
    """Let held runs go on from the stage that they were held in.

    With --account, an account that was stopped is tried again, and all its runs go on. Releasing
    again does no harm. Exit code 1: a RUN has failed or was cancelled, and only `tuneq retry` lets
    it go on.
    """
    if account is None:
        good = operate(
            open_client(), runs, group, all_runs=all_runs, act=ask_release, as_json=as_json
        )
        ctx.exit(0 if good else 1)
    if runs or group is not None or all_runs:
        raise click.UsageError("Give runs or an account, not both.")
    _release_account(open_client(), account, as_json=as_json)


def ask_release(client: Client, records: Sequence[Record]) -> list[Deed]:
    """Ask it of held runs alone: others would keep it in mind, and not stop when they should."""
    held = [record.item for record in records if record.stage == RunStage.HELD]
    asked = dict(zip(held, client.items.ask(held, Asked.RELEASE), strict=True))
    return [_deed(record, asked.get(record.item, False)) for record in records]


def _deed(record: Record, asked: bool) -> Deed:
    if asked and record.asked == Asked.CANCEL:
        return Deed("is held, and to be cancelled", possible=False)
    if asked:
        return Deed("released", changed=True)
    if record.stage in _ENDED_BADLY:
        return Deed(f"has ended: {record.stage}; see `tuneq retry`", possible=False)
    return Deed(f"is not held: it is {record.stage}")


def _release_account(client: Client, name: str, *, as_json: bool) -> None:
    item = account_id(client.settings.account(name)[0])
    (record,) = client.catalogue.read([item])
    stopped = record is not None and record.stage == AccountStage.STOPPED
    changed = stopped and client.items.ask([item], Asked.RELEASE)[0]
    message = "released" if changed else "is not stopped"
    if as_json:
        click.echo(orjson.dumps({"account": name, "changed": changed, "message": message}))
    else:
        click.echo(f"{name}  {message}")

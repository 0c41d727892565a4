"""`tuneq retry`: take up runs again that failed or were cancelled."""

from collections.abc import Sequence

import click

from tuneq_producer.client import Client, open_client
from tuneq_producer.operating import Deed, operate
from tuneq_producer.selection import selection_options
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import Record, document, load
from tuneq_shared.domain.run import Run
from tuneq_shared.retrying import RETRIED, resumed


@click.command(
    epilog="\b\nExample:\n  tuneq retry scienceqa/scienceqa-1000\n  tuneq retry --group scienceqa"
)
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a run.")
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    group: str | None,
    all_runs: bool,
    as_json: bool,
) -> None:
    """Let runs go on that failed or were cancelled, from the last stage whose result counts.

    Another job is bought only where the run's job is known to have ended without success. Runs
    that go on by themselves or have succeeded are left as they are. An archived RUN comes back to
    Redis; of a group or of all, archived runs are not meant. Exit code 1: a RUN is held,
    and only `tuneq release` lets it go on.
    """
    good = operate(open_client(), runs, group, all_runs=all_runs, act=take_up, as_json=as_json)
    ctx.exit(0 if good else 1)


def take_up(client: Client, records: Sequence[Record]) -> list[Deed]:
    """Take up those that ended otherwise than well."""
    return [_take_up_one(client, record) for record in records]


def _take_up_one(client: Client, record: Record) -> Deed:
    if record.stage == RunStage.SUCCEEDED:
        return Deed("has succeeded: there is nothing to retry")
    if record.stage == RunStage.HELD:
        return Deed("is held: let it go on with `tuneq release`", possible=False)
    if record.stage not in RETRIED:
        return Deed(f"has not ended: it is {record.stage}")
    before = load(record, Run)
    after = resumed(before)
    event = f"retried from {after.stage}"
    if after.purchase.n > before.purchase.n:
        event += f"; job {before.job_id} had ended, so another is bought"
    words = (record, after.stage, document(after), event)
    if client.items.revive(*words):
        return Deed(event, changed=True)
    client.archive.bring_back(record.item)  # of no effect on what is in Redis
    if client.items.revive(*words):
        return Deed(event, changed=True)
    return Deed("goes on already: somebody else was faster")

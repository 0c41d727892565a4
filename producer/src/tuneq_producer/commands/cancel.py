"""`tuneq cancel`: stop runs, and their jobs at the provider."""

from collections.abc import Sequence

import click

from tuneq_producer.client import Client, open_client
from tuneq_producer.operating import Deed, operate
from tuneq_producer.selection import selection_options
from tuneq_shared.domain.item import Kind
from tuneq_shared.domain.lifecycle import RunStage, is_terminal
from tuneq_shared.domain.record import Record
from tuneq_shared.ports.items import Asked


@click.command(
    epilog="\b\nExample:\n  tuneq cancel scienceqa/scienceqa-1000\n  tuneq cancel --group scienceqa"
)
@selection_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a run.")
@click.pass_context
def cancel(
    ctx: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    group: str | None,
    all_runs: bool,
    as_json: bool,
) -> None:
    """Ask that runs be cancelled.

    A worker cancels the job at the provider, and the run is cancelled when the job has ended;
    `tuneq wait` waits for it. Asking again does no harm. Exit code 1: a RUN has succeeded already.
    """
    good = operate(open_client(), runs, group, all_runs=all_runs, act=ask_cancel, as_json=as_json)
    ctx.exit(0 if good else 1)


def ask_cancel(client: Client, records: Sequence[Record]) -> list[Deed]:
    """Ask it of the runs that have not ended."""
    asked = client.items.ask([record.item for record in records], Asked.CANCEL)
    return [_deed(record, was) for record, was in zip(records, asked, strict=True)]


def _deed(record: Record, asked: bool) -> Deed:
    if asked and record.asked != Asked.CANCEL and record.stage != RunStage.CANCELLING:
        return Deed(f"cancel asked in stage {record.stage}", changed=True)
    if asked:
        return Deed("is being cancelled already")
    if not is_terminal(Kind.RUN, record.stage):
        return Deed("has just ended")
    return Deed(f"has ended: {record.stage}", possible=record.stage != RunStage.SUCCEEDED)

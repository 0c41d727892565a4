"""`tuneq export`: everything of a group as files, for notebooks and for keeping."""

from datetime import UTC, datetime
from pathlib import Path

import click

from tuneq_producer.client import open_client
from tuneq_producer.export.exporting import export_into
from tuneq_producer.export.folder import refuse_filled, replacing_folder
from tuneq_producer.export.table_files import require_parquet
from tuneq_producer.report.assemble import assemble_target
from tuneq_producer.views.documents import to_json
from tuneq_shared.steering import unsteered


@click.command(epilog="\b\nExample:\n  tuneq export scienceqa --out scienceqa-export")
@click.argument("target", metavar="GROUP|RUN")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    required=True,
    metavar="DIR",
    help="Where to; a new or an empty folder.",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@click.option("--parquet/--no-parquet", default=True, help="Also as Parquet.  [default: yes]")
@click.option("--json", "as_json", is_flag=True, help="Print what was exported as JSON.")
@click.pass_context
def export(
    ctx: click.Context, *, target: str, out: Path, force: bool, parquet: bool, as_json: bool
) -> None:
    """Write all that is known of a group or a run into a folder.

    Runs, datasets with their digests, evaluations, comparisons, curves, step metrics and
    predictions as CSV and Parquet; requests, states and the report as JSON. Exit code 0:
    everything; 1: predictions are missing, which ones is told.
    """
    if parquet:
        require_parquet()
    refuse_filled(out, force=force)
    client = open_client()
    report = assemble_target(client, target)
    with replacing_folder(out, force=force) as folder:
        done = export_into(folder, client, report, target, datetime.now(UTC), parquet=parquet)
    if as_json:
        click.echo(to_json(done))
    else:
        for name, rows in done.rows.items():
            click.echo(f"{name}: {rows} rows")
    for each in done.missing:
        click.echo(
            unsteered(f"without the predictions of {each.evaluation}: {each.reason}"), err=True
        )
    if done.missing:
        ctx.exit(1)

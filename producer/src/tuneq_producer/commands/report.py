"""`tuneq report`: was it worth it, and would more data help."""

from pathlib import Path

import click

from tuneq_producer.client import Client, open_client
from tuneq_producer.prepare.files import replacing
from tuneq_producer.report.assemble import Report, assemble
from tuneq_producer.report.csv_table import render_csv
from tuneq_producer.report.markdown import render_markdown
from tuneq_producer.report.terminal import print_report
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="\b\nExample:\n  tuneq report scienceqa --markdown report.md")
@click.argument("target", metavar="GROUP|RUN")
@click.option("--csv", "csv_file", type=_FILE, metavar="F", help="Also write a CSV file.")
@click.option("--markdown", "markdown_file", type=_FILE, metavar="F", help="Also write Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def report(
    *, target: str, csv_file: Path | None, markdown_file: Path | None, as_json: bool
) -> None:
    """Report a group or a run: tuned against baselines, and samples against accuracy."""
    client = open_client()
    made = _assembled(client, target)
    for path, render in ((csv_file, render_csv), (markdown_file, render_markdown)):
        if path is not None:
            with replacing(path, force=True) as file:
                file.write(render(made).encode())
    if as_json:
        click.echo(to_json(made))
    else:
        print_report(open_console(), made)


def _assembled(client: Client, target: str) -> Report:
    ids = client.catalogue.run_ids(target, archived=True)
    if ids:
        return assemble(client, ids, target)
    return assemble(client, [client.catalogue.find_run(target)], None)

"""`tuneq report`: was it worth it, and would more data help."""

from datetime import UTC, datetime
from pathlib import Path

import click

from tuneq_producer.client import open_client
from tuneq_producer.prepare.files import replacing
from tuneq_producer.report.assemble import assemble_target
from tuneq_producer.report.csv_table import render_csv
from tuneq_producer.report.html.page import render_html
from tuneq_producer.report.html.picture import draw_curve
from tuneq_producer.report.markdown import render_markdown
from tuneq_producer.report.terminal import print_report
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="\b\nExample:\n  tuneq report scienceqa --html report.html")
@click.argument("target", metavar="GROUP|RUN")
@click.option("--csv", "csv_file", type=_FILE, metavar="F", help="Also write a CSV file.")
@click.option("--markdown", "markdown_file", type=_FILE, metavar="F", help="Also write Markdown.")
@click.option("--html", "html_file", type=_FILE, metavar="F", help="Also write a page, one file.")
@click.option("--png", "png_file", type=_FILE, metavar="F", help="Also draw the scaling curve.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def report(
    *,
    target: str,
    csv_file: Path | None,
    markdown_file: Path | None,
    html_file: Path | None,
    png_file: Path | None,
    as_json: bool,
) -> None:
    """Report a group or a run: tuned against baselines, and samples against accuracy.

    The page needs no network. It and the picture need the extra tuneq-producer[plots].
    """
    client = open_client()
    made = assemble_target(client, target)
    if csv_file is not None:
        _write(csv_file, render_csv(made).encode())
    if markdown_file is not None:
        _write(markdown_file, render_markdown(made).encode())
    if html_file is not None:
        _write(html_file, render_html(made, client.data, datetime.now(UTC)).encode())
    if png_file is not None:
        _write(png_file, draw_curve(made))
    if as_json:
        click.echo(to_json(made))
    else:
        print_report(open_console(), made)


def _write(path: Path, content: bytes) -> None:
    with replacing(path, force=True) as file:
        file.write(content)

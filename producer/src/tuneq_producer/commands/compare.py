"""`tuneq compare`: two runs or two groups, sample by sample."""

from pathlib import Path

import click

from tuneq_producer.client import open_client
from tuneq_producer.comparison.compared import compare_targets
from tuneq_producer.comparison.csv_table import render_csv
from tuneq_producer.comparison.drawing import print_comparison, render_markdown
from tuneq_producer.prepare.files import replacing
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(epilog="\b\nExample:\n  tuneq compare scienceqa-july scienceqa-august")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--csv", "csv_file", type=_FILE, metavar="F", help="Also write a CSV file.")
@click.option("--markdown", "markdown_file", type=_FILE, metavar="F", help="Also write Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def compare(
    ctx: click.Context,
    *,
    first: str,
    second: str,
    csv_file: Path | None,
    markdown_file: Path | None,
    as_json: bool,
) -> None:
    """Compare B with A: two runs, or two groups, whose runs are matched by name.

    Tuned models that were scored on the same dataset, limit and scorer are compared sample by
    sample; of the others it says why not. Exit code 0: all pairs were compared; 1: some were not.
    """
    made = compare_targets(open_client(), first, second)
    for path, render in ((csv_file, render_csv), (markdown_file, render_markdown)):
        if path is not None:
            with replacing(path, force=True) as file:
                file.write(render(made).encode())
    if as_json:
        click.echo(to_json(made))
    else:
        print_comparison(open_console(), made)
    if not made.complete:
        ctx.exit(1)

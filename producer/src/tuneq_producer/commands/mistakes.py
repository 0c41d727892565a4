"""`tuneq mistakes`: what a tuned model got wrong, beside a baseline."""

from pathlib import Path

import click

from tuneq_producer.client import open_client
from tuneq_producer.mistakes.finding import find_mistakes
from tuneq_producer.mistakes.mistake import as_chat_line
from tuneq_producer.mistakes.page import print_mistakes
from tuneq_producer.mistakes.summary import By
from tuneq_producer.prepare.files import replacing
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.reading import one_run_view


@click.command(
    epilog="\b\nExample:"
    "\n  tuneq mistakes scienceqa/scienceqa-1000"
    "\n  tuneq mistakes scienceqa/scienceqa-1000 --out mistakes.jsonl"
)
@click.argument("run")
@click.option(
    "--baseline",
    metavar="MODEL[:SHOTS]",
    help="The baseline to set it against.  [default: the run's first that was scored alike]",
)
@click.option(
    "--by",
    type=click.Choice(["label", "subject"]),
    help="What to group by.  [default: label, or else subject, where there are any]",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Mistakes to show, those that the baseline had right first.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write all of them as chat lines, with the right answers.",
)
@click.option("--force", is_flag=True, help="Overwrite that file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def mistakes(
    *,
    run: str,
    baseline: str | None,
    by: By | None,
    limit: int,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Show the wrong, unparsed and refused samples of a RUN's tuned model.

    Against a baseline, a sample is fixed (only the tuned model had it right), broken (only the
    baseline had) or both wrong. What --out writes is of the evaluation dataset: a model that is
    trained on it as it is cannot be measured on that dataset any more.
    """
    client = open_client()
    view = one_run_view(client, run)
    data = client.data
    if out is None:
        found = find_mistakes(data, view, against=baseline, by=by, keep=limit)
    else:
        with replacing(out, force=force) as file:
            found = find_mistakes(
                data,
                view,
                against=baseline,
                by=by,
                keep=limit,
                each=lambda pair, mistake: file.write(as_chat_line(pair, mistake)),
            )
    if as_json:
        click.echo(to_json(found))
    else:
        print_mistakes(open_console(), found)
    if out is not None:
        click.echo(f"wrote {found.total.mistakes} chat lines to {out}", err=True)

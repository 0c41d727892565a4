"""`tuneq prepare`: datasets in the form that fine-tuning takes."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from tuneq_producer.prepare.table import TableFormat, write_table
from tuneq_producer.prepare.template import parse_template
from tuneq_shared.errors import InvalidInputError

if TYPE_CHECKING:
    from tuneq_producer.prepare.scienceqa import SplitCounts

_FORCE = click.option("--force", is_flag=True, help="Overwrite files that exist.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(
    epilog="\b\nExample:"
    "\n  tuneq prepare table queries.csv --prompt 'Query: {text}' --response category \\"
    "\n    --out train.jsonl"
)
def prepare() -> None:
    """Turn a dataset into chat lines."""


@prepare.command(
    epilog="\b\nExample:"
    "\n  tuneq prepare scienceqa ScienceQA/data/scienceqa --out data --require-hint"
)
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write to.")
@click.option(
    "--split", "splits", multiple=True, help="Only this split; may be given again. [default: all]"
)
@click.option("--require-hint", is_flag=True, help="Leave out problems without a hint.")
@_FORCE
@_JSON
def scienceqa(
    *,
    source: Path,
    out: Path,
    splits: tuple[str, ...],
    require_hint: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Turn ScienceQA into chat lines, one file a split.

    SOURCE is a folder with problems.json and pid_splits.json, a folder with
    scienceqa_text_<split>.jsonl.gz, or one .jsonl or .jsonl.gz file. Problems with an image are
    left out.
    """
    # Imported here: tables need nothing of it, and it takes longer than reading a small one.
    from tuneq_producer.prepare.files import refuse_existing  # noqa: PLC0415 - see above
    from tuneq_producer.prepare.scienceqa import write_split  # noqa: PLC0415 - see above
    from tuneq_producer.prepare.scienceqa_source import (  # noqa: PLC0415 - see above
        USUAL_SPLITS,
        open_source,
    )

    problems = open_source(source)
    available = problems.splits
    chosen = dict.fromkeys(splits or [name for name in available if name in USUAL_SPLITS])
    if not chosen:
        raise InvalidInputError(
            f"{source} has none of the splits {', '.join(USUAL_SPLITS)}",
            hint=f"choose with --split among: {', '.join(available)}",
        )
    for split in chosen:
        if split not in available:
            raise InvalidInputError(
                f"{source} has no split {split!r}", hint=f"its splits are: {', '.join(available)}"
            )
        refuse_existing(out / f"{split}.jsonl", force=force)
    counts = [
        write_split(problems, split, out, require_hint=require_hint, force=force)
        for split in chosen
    ]
    if as_json:
        click.echo(orjson.dumps({"splits": [asdict(count) for count in counts]}))
    else:
        _print_counts(counts)


@prepare.command(
    epilog="\b\nExample:"
    "\n  tuneq prepare table queries.csv --prompt $'Query: {text}\\nIntent:' --response category \\"
    "\n    --label category --out train.jsonl"
)
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--prompt",
    required=True,
    metavar="TEMPLATE",
    help="The user's message; {column} is replaced by the cell, {{ is a brace.",
)
@click.option("--response", required=True, metavar="COLUMN", help="Column of the answers.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--system", metavar="TEXT", help="A system message before each prompt.")
@click.option("--label", metavar="COLUMN", help="Column that fills metadata.label.")
@_FORCE
@_JSON
def table(
    *,
    source: Path,
    prompt: str,
    response: str,
    out: Path,
    system: str | None,
    label: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Turn a table into chat lines, one a row.

    SOURCE is a .csv, .tsv, .jsonl (each also .gz) or .parquet file. Empty cells are refused.
    """
    layout = TableFormat(
        prompt=parse_template(prompt), response=response, system=system, label=label
    )
    written = write_table(source, out, layout, force=force)
    if as_json:
        click.echo(orjson.dumps({"file": str(out), "written": written}))
    else:
        click.echo(f"{written} lines written to {out}")


def _print_counts(counts: "list[SplitCounts]") -> None:
    click.echo(f"{'split':<12}{'problems':>9}{'image':>9}{'no hint':>9}{'written':>9}  file")
    for count in counts:
        click.echo(
            f"{count.split:<12}{count.problems:>9}{count.with_image:>9}"
            f"{count.without_hint:>9}{count.written:>9}  {count.file}"
        )

"""`python -m tests.faults`: the fault bench as a command."""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from unittest import SkipTest

import click
from tests.faults.table import ROWS, Row
from tests.faults.verdict import Result

_HEAD = ("row", "fault", "runs", "as expected", "jobs", "uploads", "seconds", "", "notes")
_EPILOG = """\b
Example:
  python -m tests.faults --scale 1 --row kills --row redis
"""


@click.command(epilog=_EPILOG)
@click.option("--scale", default=0.0, help="Load: 1 is the full one.  [default: the small dose]")
@click.option("--row", "names", multiple=True, type=click.Choice([row.name for row in ROWS]))
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Keep all files there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a row.")
def main(scale: float, names: tuple[str, ...], directory: Path | None, *, as_json: bool) -> None:
    """Play faults against real processes and judge what came of it.

    Exit code 1: something did not hold; it is told on stderr.
    """
    chosen = [row for row in ROWS if row.name in names or not names]
    if not as_json:
        click.echo("| " + " | ".join(_HEAD) + " |\n|" + "---|" * len(_HEAD))
    good = True
    with tempfile.TemporaryDirectory(prefix="tuneq-faults-") as temporary:
        for row in chosen:
            click.echo(f"{row.name} ...", err=True)
            try:
                result, seconds = row.run((directory or Path(temporary)) / row.name, scale)
            except SkipTest as reason:
                click.echo(f"  {row.name} is left out: {reason}", err=True)
                continue
            good &= result.is_ok
            click.echo(_line(row, result, seconds, as_json=as_json))
            for words in result.broken:
                click.echo(f"  {row.name}: {words}", err=True)
    sys.exit(0 if good else 1)


def _line(row: Row, result: Result, seconds: float, *, as_json: bool) -> str:
    if as_json:
        known = {"row": row.name, "fault": row.fault, "seconds": round(seconds, 1)}
        return json.dumps({**known, **asdict(result), "ok": result.is_ok})
    cells = (
        *(row.name, row.fault, result.load, result.as_expected, result.jobs, result.uploads),
        *(f"{seconds:.0f}", "ok" if result.is_ok else "NOT", result.notes),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    main()

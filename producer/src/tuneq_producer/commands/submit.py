"""`tuneq submit`: one fine-tune by flags, or thousands by a manifest."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tuneq_producer.manifest.row import Row
from tuneq_producer.submission.flags import (
    BaselineType,
    HyperparameterType,
    LabelType,
    NumberOrAuto,
    request_of_flags,
)
from tuneq_shared.domain.scoring import BUILT_IN

_FILE_HELP = "a path, sha256:, data: or a URI under an allowed root"


@click.command(
    epilog="\b\nExamples:"
    "\n  tuneq submit --train train.jsonl --model gpt-4.1-mini-2025-04-14 --epochs 3 \\"
    "\n    --evaluate val.jsonl --scorer choice --baseline gpt-4.1-mini-2025-04-14:1"
    "\n  tuneq submit --manifest sweep.csv --dry-run"
)
@click.option("--train", "training_file", metavar="FILE", help=f"Training file: {_FILE_HELP}.")
@click.option("--validation", "validation_file", metavar="FILE", help="For the provider.")
@click.option("--model", metavar="MODEL", help="Base model.")
@click.option("--account", metavar="A", help="Who trains.  [default: default_account]")
@click.option("--suffix", metavar="S", help="Part of the tuned model's name.")
@click.option(
    "--method", type=click.Choice(["supervised", "dpo"]),
    help="Train on answers, or on preference pairs.  [default: supervised]",
)  # fmt: skip
@click.option(
    "--epochs", "n_epochs", type=NumberOrAuto(int), metavar="N|auto", help="Passes over the data."
)
@click.option("--batch-size", type=NumberOrAuto(int), metavar="N|auto", help="Examples in a step.")
@click.option(
    "--learning-rate-multiplier",
    type=NumberOrAuto(float),
    metavar="X|auto",
    help="Of the default rate.",
)
@click.option(
    "--hyperparameter", "hyperparameters", type=HyperparameterType(), multiple=True,
    help="Another one that the account takes, such as lora_r=16; may be given again.",
)  # fmt: skip
@click.option("--name", metavar="N", help="Unique within the group.")
@click.option("--group", metavar="G", help="The run's group.  [default: default]")
@click.option("--evaluate", "dataset", metavar="FILE", help="File to score the tuned model on.")
@click.option(
    "--baseline", "baselines", type=BaselineType(), multiple=True,
    help="A model to score beside it, with so many examples in the prompt, at the run's account "
    "or another; may be given again.",
)  # fmt: skip
@click.option(
    "--scorer",
    metavar="NAME",
    help=f"How answers are judged: {', '.join(BUILT_IN)}, or one that workers have registered.  "
    "[default: exact]",
)
@click.option(
    "--scorer-option", "scorer_options", type=HyperparameterType(), multiple=True,
    help="What it is told, such as relative=0.01; may be given again.",
)  # fmt: skip
@click.option("--max-tokens", type=int, help="Of an answer.  [default: 256]")
@click.option("--temperature", type=float, help="Of the answers.  [default: 0]")
@click.option("--limit", type=int, help="Score the first so many lines only.")
@click.option(
    "--mode", type=click.Choice(["direct", "batch"]),
    help="Score at once, or in batches: cheaper, within a day.  [default: direct]",
)  # fmt: skip
@click.option("--system", metavar="TEXT", help="System message to score with, for the lines' own.")
@click.option(
    "--prompt", metavar="TEMPLATE",
    help="What to ask when scoring, with {input} for the last user message of a line.",
)  # fmt: skip
@click.option("--samples", type=int, metavar="N", help="Train on so many lines, drawn by seed.")
@click.option("--seed", type=int, help="Of the job and, without --sample-seed, of the sample.")
@click.option("--sample-seed", type=int, help="Of the sample.")
@click.option(
    "--budget", "budget_usd", type=click.FloatRange(min=0, min_open=True), metavar="USD",
    help="Most it may cost: the run, or all of a manifest together.",
)  # fmt: skip
@click.option("--label", "labels", type=LabelType(), multiple=True, help="May be given again.")
@click.option("--priority", type=click.Choice(["high", "normal", "low"]), help="[default: normal]")
@click.option("--idempotency-key", metavar="K", help="The same key is the same run.")
@click.option(
    "--manifest", type=click.Path(path_type=Path), metavar="FILE",
    help="Requests as .jsonl, .csv, .yaml or .toml; paths in it are relative to it.",
)  # fmt: skip
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask, whatever it costs.")
@click.option("--dry-run", is_flag=True, help="Show what would be made; make nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a run.")
@click.pass_context
def submit(
    ctx: click.Context,
    /,
    *,
    manifest: Path | None,
    confirmed: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Check requests and their files, stage the files, and create a run for each request.

    Prints the runs' ids, one a line. A request that was submitted before is the same run again.
    Nothing is created where anything is wrong.
    """
    # Imported here: `--help` need not wait for it.
    from tuneq_producer.submission.spending import Spending  # noqa: PLC0415 - see above
    from tuneq_producer.submission.submitting import Submission  # noqa: PLC0415 - see above

    spending = Spending(
        budget_usd=flags["budget_usd"], confirmed=confirmed, of_the_run=manifest is None
    )
    if manifest is None:
        request = request_of_flags(flags)
        submission = Submission([Row("", request)], Path(), spending)
    else:
        _refuse_flags(flags)
        submission = Submission(_rows(manifest), manifest.parent, spending)
    if dry_run:
        if not submission.rehearse(as_json=as_json):
            ctx.exit(2)
    elif not submission.run(as_json=as_json):
        ctx.exit(1)


def _rows(manifest: Path) -> Iterator[Row]:
    # Imported here: one request by flags needs no YAML.
    from tuneq_producer.manifest.reading import read_manifest  # noqa: PLC0415 - see above

    return read_manifest(manifest)


def _refuse_flags(flags: dict[str, Any]) -> None:
    if any(value not in (None, ()) for name, value in flags.items() if name != "budget_usd"):
        raise click.UsageError(
            "A manifest says all there is to say of its requests: leave the other options out."
        )

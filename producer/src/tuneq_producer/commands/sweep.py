"""`tuneq sweep`: a grid of fine-tunes over samples, hyperparameters, models and seeds."""

from pathlib import Path
from typing import Any

import click

from tuneq_producer.commands.submit import submit
from tuneq_producer.submission.flags import NumberOrAuto
from tuneq_producer.submission.grid import Several, SeveralHyperparameters, grid_rows
from tuneq_producer.submission.option_file import keys_of, options_of_file

_OWN = {
    "model", "n_epochs", "batch_size", "learning_rate_multiplier", "hyperparameters", "name",
    "group", "samples", "seed", "budget_usd", "idempotency_key", "manifest", "confirmed",
    "dry_run", "as_json",
}  # fmt: skip
_NOT_IN_FILE = {"file", "confirmed", "dry_run", "as_json"}


def _read_file(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:
    del param
    if path is not None:
        known = {
            key: each
            for key, each in keys_of(ctx.command.params).items()
            if each.name not in _NOT_IN_FILE
        }
        ctx.default_map = options_of_file(path, known)


@click.command(
    # What a sweep does not vary is said to it as it is to `submit`.
    params=[param for param in submit.params if param.name not in _OWN],
    epilog="\b\nExamples:"
    "\n  tuneq sweep --name scienceqa --train train.jsonl --evaluate val.jsonl --scorer choice \\"
    "\n    --model gpt-4.1-mini-2025-04-14 --samples 50,100,500 --epochs 3,4 --seeds 1,2 \\"
    "\n    --baseline gpt-4.1-mini-2025-04-14:1 --budget 100 --dry-run"
    "\n  tuneq sweep --file sweep.toml",
)
@click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", is_eager=True, expose_value=False,
    callback=_read_file,
    help="These options as TOML, max_tokens for --max-tokens; those given beside it win. Paths in "
    "it are relative to it.",
)  # fmt: skip
@click.option("--name", "group", metavar="G", required=True, help="The group of its runs.")
@click.option(
    "--model", type=Several(click.STRING), metavar="MODEL,...", multiple=True, required=True,
    help="Base models.",
)  # fmt: skip
@click.option(
    "--samples", type=Several(click.INT), metavar="N,...", multiple=True,
    help="Train on so many lines: the smaller samples of a seed are part of the larger.",
)  # fmt: skip
@click.option(
    "--epochs", "n_epochs", type=Several(NumberOrAuto(int)), metavar="N,...", multiple=True,
    help="Passes over the data.",
)  # fmt: skip
@click.option(
    "--batch-size", type=Several(NumberOrAuto(int)), metavar="N,...", multiple=True,
    help="Examples in a step.",
)  # fmt: skip
@click.option(
    "--learning-rate-multiplier", type=Several(NumberOrAuto(float)), metavar="X,...",
    multiple=True, help="Of the default rate.",
)  # fmt: skip
@click.option(
    "--hyperparameter", "hyperparameters", type=SeveralHyperparameters(), multiple=True,
    help="Another one that the account takes, such as lora_r=8,16; may be given again.",
)  # fmt: skip
@click.option(
    "--seeds", "seed", type=Several(click.INT), metavar="N,...", multiple=True,
    help="Of the jobs and, without --sample-seed, of the samples.",
)  # fmt: skip
@click.option(
    "--budget", "budget_usd", type=click.FloatRange(min=0, min_open=True), metavar="USD",
    help="Most the whole may cost, evaluations included.",
)  # fmt: skip
@click.option("--yes", "confirmed", is_flag=True, help="Do not ask, whatever it costs.")
@click.option("--dry-run", is_flag=True, help="Show runs, tokens and cost; make nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a run.")
@click.pass_context
def sweep(
    ctx: click.Context,
    /,
    *,
    budget_usd: float | None,
    confirmed: bool,
    dry_run: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Create a run for each point of a grid, all in one group.

    Prints the runs' ids, one a line. The same command again makes nothing twice: it goes on where
    it stopped, and a larger grid adds what is new. Nothing is created where anything is wrong.
    """
    # Imported here: `--help` need not wait for it.
    from tuneq_producer.submission.spending import Spending  # noqa: PLC0415 - see above
    from tuneq_producer.submission.submitting import Submission  # noqa: PLC0415 - see above

    if not flags["training_file"]:
        raise click.UsageError("Missing option '--train'.")
    spending = Spending(budget_usd=budget_usd, confirmed=confirmed)
    submission = Submission(grid_rows(flags), Path(), spending)
    if dry_run:
        if not submission.rehearse(as_json=as_json):
            ctx.exit(2)
    elif not submission.run(as_json=as_json):
        ctx.exit(1)

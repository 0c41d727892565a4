"""`tuneq check`: what is wrong with datasets, before anything is submitted."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from tuneq_producer.commands.check_report import print_report
from tuneq_producer.prepare.files import reading, reread_lines
from tuneq_shared.data.check import Source, check_datasets
from tuneq_shared.data.checking import LISTED_PER_CODE
from tuneq_shared.data.report import CheckReport
from tuneq_shared.data.tokens import ASSUMED_EPOCHS, training_cost_usd

if TYPE_CHECKING:
    from tuneq_shared.settings import Account

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="\b\nExample:"
    "\n  tuneq check train.jsonl --validation val.jsonl --evaluation val.jsonl --strict"
)
@click.argument("train", type=_PATH)
@click.option("--validation", type=_PATH, help="The provider's validation file.")
@click.option("--evaluation", type=_PATH, help="The file that models are scored on.")
@click.option(
    "--method", type=click.Choice(["supervised", "dpo"]), default="supervised", show_default=True,
    help="What TRAIN and the validation file are for: answers, or preference pairs.",
)  # fmt: skip
@click.option("--model", help="Count its tokens, and estimate the cost of training it.")
@click.option("--account", help="Whose prices and limits count.  [default: default_account]")
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    default=ASSUMED_EPOCHS,
    show_default=True,
    help="For the cost.",
)
@click.option(
    "--max-example-tokens", type=click.IntRange(min=1), help="Longest example the model takes."
)
@click.option("--near", is_flag=True, help="Look for lines that are nearly alike, too: slower.")
@click.option(
    "--list", "listed", type=click.IntRange(min=1), default=LISTED_PER_CODE, show_default=True,
    help="List so many findings of each kind and file.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Count duplicates and leakage as errors.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def check(
    ctx: click.Context,
    *,
    train: Path,
    validation: Path | None,
    evaluation: Path | None,
    method: str,
    model: str | None,
    account: str | None,
    epochs: int,
    max_example_tokens: int | None,
    near: bool,
    listed: int,
    strict: bool,
    as_json: bool,
) -> None:
    """Check JSONL files of chat lines or preference pairs, plain or .gz.

    Finds what a provider would refuse, duplicates in TRAIN, and lines of TRAIN in the other files;
    tells how long the examples are and how often each class comes.
    Exit code 0: no errors; 1: errors; 2: a file cannot be read.
    """
    for path in filter(None, (train, validation, evaluation)):
        with reading(path):
            pass  # all of them can be opened, before the first is read to its end
    validating = Source(str(validation), reread_lines(validation)) if validation else None
    evaluating = Source(str(evaluation), reread_lines(evaluation)) if evaluation else None
    if validation and evaluation and validation.samefile(evaluation):
        evaluating = validating
    profile = _profile(model, account)
    report = check_datasets(
        Source(str(train), reread_lines(train)),
        validation=validating,
        evaluation=evaluating,
        strict=strict,
        max_example_tokens=max_example_tokens,
        model=model,
        context_tokens=profile and profile[1].context_tokens.get(model or ""),
        pairs=method == "dpo",
        near=near,
        listed=listed,
    )
    cost = _cost(report, model, profile, epochs) if model else None
    if as_json:
        click.echo(orjson.dumps({**report.to_json(), "cost": cost}))
    else:
        print_report(report)
        if cost is not None:
            click.echo(_cost_line(cost))
    if not report.ok:
        ctx.exit(1)


def _profile(model: str | None, account: str | None) -> "tuple[str, Account] | None":
    """The account that knows prices and limits of a model; none where none is named."""
    if model is None:
        return None
    # Imported here: most checks need no settings, and they take longer than reading a file.
    from tuneq_shared.settings import load_settings  # noqa: PLC0415 - see above

    settings = load_settings()
    return settings.account(account) if account or settings.default_account else None


def _cost(
    report: CheckReport, model: str, profile: "tuple[str, Account] | None", epochs: int
) -> dict[str, Any]:
    """What training would cost; `usd` is None where no price is configured."""
    from tuneq_shared.prices import price_of_training  # noqa: PLC0415 - as in _profile

    name = usd = None
    if profile is not None:
        name, account = profile
        if price := price_of_training(model, account.prices):
            tokens = report.files[0].tokens
            usd = training_cost_usd(tokens, epochs=epochs, usd_per_million=price.training)
    return {"model": model, "account": name, "epochs": epochs, "usd": usd}


def _cost_line(cost: dict[str, Any]) -> str:
    if cost["account"] is None:
        return "cost: unknown; name an --account, or set default_account in tuneq.toml"
    if cost["usd"] is None:
        return f"cost: unknown; account {cost['account']} has no price of {cost['model']}"
    return f"cost: about {cost['usd']:.2f} USD to train {cost['model']} for {cost['epochs']} epochs"

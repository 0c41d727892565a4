"""`tuneq evaluate`: score a model on a dataset."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from tuneq_producer.client import Client, open_client
from tuneq_producer.live_workers import live_workers, refuse_unknown_scorers, troubles
from tuneq_producer.submission.flags import HyperparameterType
from tuneq_producer.views.awaited_evaluation import await_evaluation
from tuneq_producer.views.breakdown_page import print_breakdown
from tuneq_producer.views.broken_down import broken_down
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json
from tuneq_producer.views.evaluation_table import evaluation_table
from tuneq_producer.views.evaluation_view import evaluation_view
from tuneq_shared.data.digest import sha256_of_stream
from tuneq_shared.data_root import staged_path
from tuneq_shared.domain.evaluation import EvaluationSpec
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.domain.request import EvaluationRequest, Mode
from tuneq_shared.domain.scoring import BUILT_IN
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.intake.secrets import refuse_secrets
from tuneq_shared.references import LocalPath, StagedFile, parse_reference
from tuneq_shared.settings import describe
from tuneq_shared.steering import unsteered


@click.command(
    epilog="\b\nExample:\n  tuneq evaluate --model gpt-4.1-mini-2025-04-14 --dataset val.jsonl "
    "--scorer choice --shots 1 --shots-from train.jsonl"
)
@click.option("--model", required=True, help="A base model, or a tuned one.")
@click.option("--dataset", required=True, metavar="F", help="The file to score it on.")
@click.option("--account", metavar="A", help="Where to ask it.  [default: default_account]")
@click.option(
    "--shots",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Examples in the prompt.",
)
@click.option("--shots-from", metavar="F", help="The training file that the examples come from.")
@click.option(
    "--scorer",
    default="exact",
    show_default=True,
    metavar="NAME",
    help=f"How an answer is judged: {', '.join(BUILT_IN)}, or one that workers have registered.",
)
@click.option(
    "--scorer-option", "scorer_options", type=HyperparameterType(), multiple=True,
    help="What it is told, such as relative=0.01; may be given again.",
)  # fmt: skip
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Longest answer.",
)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many samples.")
@click.option(
    "--mode",
    type=click.Choice(["direct", "batch"]),
    default="direct",
    show_default=True,
    help="Ask at once, or in batches: cheaper, within a day.",
)
@click.option("--system", metavar="TEXT", help="System message, for the lines' own.")
@click.option(
    "--prompt", metavar="TEMPLATE", help="What to ask, with {input} for a line's last user message."
)
@click.option("--fresh", is_flag=True, help="Do not use an earlier result.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="S", help="Give up after so long.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    /,
    *,
    timeout: float | None,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Let the evaluation workers score a model, and wait for the result.

    Ctrl-C or the timeout cancels it, unless somebody else waits for it, too.
    Exit code 0: done; 1: samples stayed without an answer; 124: the timeout passed.
    """
    client = open_client()
    spec = _spec(client, **wanted)
    workers = live_workers(client.fleet)
    refuse_unknown_scorers(workers, [spec.scorer])
    for trouble in troubles(workers, [spec.account], evaluated=True):
        click.echo(unsteered(f"warning: {trouble}"), err=True)
    evaluation, reused = await_evaluation(client, spec, timeout)
    view = broken_down(client.data, evaluation_view(evaluation, reused=reused))
    if as_json:
        click.echo(to_json(view))
    else:
        console = open_console()
        console.print(evaluation_table([view]))
        print_breakdown(console, [view])
        if view.error:
            console.print(f"{view.error.code}: {view.error.message}", soft_wrap=True)
        if view.artifact:
            path = f"{client.data.url.rstrip('/')}/{view.artifact}"
            console.print(f"predictions: {path}", soft_wrap=True)
    if evaluation.stage is not EvaluationStage.DONE:
        ctx.exit(1)


def _spec(
    client: Client,
    *,
    model: str,
    dataset: str,
    account: str | None,
    shots: int,
    shots_from: str | None,
    scorer: str,
    scorer_options: Sequence[tuple[str, Any]],
    max_tokens: int,
    temperature: float,
    limit: int | None,
    mode: Mode,
    system: str | None,
    prompt: str | None,
    fresh: bool,
) -> EvaluationSpec:
    if bool(shots) != bool(shots_from):
        raise InvalidInputError(
            "--shots and --shots-from go together",
            hint="give the number of examples, and the file that they come from",
        )
    if prompt is not None and "{input}" not in prompt:
        raise InvalidInputError(
            "--prompt has no {input}", hint="write {input} where a line's own text is to stand"
        )
    texts = {"--shots-from": shots_from, "--system": system, "--prompt": prompt}
    refuse_secrets({"--model": model, "--dataset": dataset, **texts})
    name, profile = client.settings.account(account)
    if mode == "batch" and not profile.capabilities.batch:
        raise InvalidInputError(
            f"account {name} has no batches",
            hint="leave --mode out; if the account has them, correct batch under "
            f"[accounts.{name}.capabilities]",
        )
    client.data.settle(client.fleet)
    dataset, digest = _staged(client, dataset)
    shots_from, shots_digest = _staged(client, shots_from) if shots_from else (None, None)
    return EvaluationSpec(
        account=name,
        model=model,
        dataset=dataset,
        dataset_digest=digest,
        scorer=scorer,
        scorer_options=_options(scorer, dict(scorer_options)),
        max_tokens=max_tokens,
        temperature=temperature,
        mode=mode,
        system=system,
        prompt=prompt,
        limit=limit,
        shots=shots,
        shots_from=shots_from,
        shots_digest=shots_digest,
        fresh=uuid.uuid4().hex if fresh else "",
    )


def _options(scorer: str, given: dict[str, Any]) -> dict[str, Any]:
    refuse_secrets({"--scorer": scorer, "--scorer-option": given})
    try:
        return EvaluationRequest(dataset="-", scorer=scorer, scorer_options=given).scorer_options
    except ValidationError as error:
        raise InvalidInputError(
            describe(error), hint="`tuneq schema` prints what each scorer takes"
        ) from error


def _staged(client: Client, text: str) -> tuple[str, str]:
    """A file as workers can open it, and its digest."""
    reference = parse_reference(text)
    if isinstance(reference, LocalPath):
        reference = client.data.stage(Path(reference.path).expanduser())
    if isinstance(reference, StagedFile) and client.data.exists(staged_path(reference.digest)):
        return str(reference), reference.digest
    with client.data.open(reference) as file:
        return str(reference), sha256_of_stream(file)

"""`tuneq ask`: one prompt to a tuned model and its base, side by side."""

import shutil

import click
import orjson

_TIMED_OUT = 124


@click.command(
    epilog="\b\nExample:"
    '\n  tuneq ask scienceqa/scienceqa-1000 "Which is a compound? A. water B. gold"'
    '\n  tuneq ask ft:gpt-4.1-mini-2025-04-14:me:qa:1 "Hello" --system "Answer in French."',
)
@click.argument("target", metavar="RUN|MODEL")
@click.argument("prompt")
@click.option("--system", metavar="S", help="A system message that goes before the prompt.")
@click.option("--account", metavar="A", help="Where to ask.  [default: the run's, or the default]")
@click.option(
    "--base",
    metavar="MODEL",
    help="The other model.  [default: the run's base, or the one that an ft: name tells]",
)
@click.option("--max-tokens", type=click.IntRange(min=1), default=256, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.0, show_default=True)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="S",
    help="Seconds to wait for each answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def ask(
    ctx: click.Context,
    /,
    *,
    target: str,
    prompt: str,
    system: str | None,
    account: str | None,
    base: str | None,
    max_tokens: int,
    temperature: float,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Ask a RUN's tuned model, or a MODEL, and the base that it was tuned on.

    Needs the account's key, as a worker does, and costs what two answers cost. Where an account's
    tuned models answer only while they are deployed, it says so and deploys nothing. Exit code 1:
    a model did not answer; 124: not within the timeout.
    """
    # Imported here: `--help` need not wait for it.
    from tuneq_shared.redis_store.connection import reachable  # noqa: PLC0415 - see above
    from tuneq_shared.settings import load_settings  # noqa: PLC0415 - see above
    from tuneq_shared.steering import unsteered  # noqa: PLC0415 - see above
    from tuneq_worker.bootstrap import World  # noqa: PLC0415 - see above
    from tuneq_worker.prompting import answering, rendering  # noqa: PLC0415 - see above
    from tuneq_worker.prompting.targets import find_targets  # noqa: PLC0415 - see above

    settings = load_settings()
    world = World(settings)
    with reachable(settings.redis_url):
        world.fleet.now()
    targets = find_targets(target, world.ports, account=account, base=base)
    lead = [] if system is None else [{"role": "system", "content": system}]
    asked = answering.Prompt(
        messages=[*lead, {"role": "user", "content": prompt}],
        max_tokens=max_tokens,
        temperature=temperature,
        timeout_s=timeout_s,
    )
    answers = []
    for each in targets.models:
        click.echo(unsteered(f"asking {each.model}"), err=True)
        answers.append(answering.ask(each, targets, asked, world.ports))
    if as_json:
        click.echo(orjson.dumps(rendering.document(targets, answers)))
    else:
        for line in rendering.lines(answers, shutil.get_terminal_size((160, 24)).columns):
            click.echo(line)
    errors = [answer.error.code for answer in answers if answer.error is not None]
    late = answering.TIMEOUT in errors
    ctx.exit(_TIMED_OUT if late else 1 if errors else 0)

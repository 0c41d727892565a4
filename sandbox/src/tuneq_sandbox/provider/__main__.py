"""`python -m tuneq_sandbox.provider`: the provider as a process of its own."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError

from tuneq_sandbox.provider.config import ProviderConfig, read_config
from tuneq_sandbox.provider.keys import KEYS_ENV, read_keys
from tuneq_sandbox.provider.problem import first_problem
from tuneq_sandbox.provider.serving import serve
from tuneq_shared.dialects import Dialect
from tuneq_shared.errors import ConfigurationError, TuneqError

_EPILOG = """\b
Example:
  TUNEQ_SANDBOX_KEYS=sk-local python -m tuneq_sandbox.provider --dir ./provider --port 8080
"""
_RATES = ("requests_per_minute", "tokens_per_minute", "burst_s")


@click.command(epilog=_EPILOG)
@click.option("--dir", "directory", type=click.Path(path_type=Path), required=True)
@click.option("--config", type=click.Path(path_type=Path), help="JSON file; options win over it.")
@click.option("--keys-env", default=KEYS_ENV, show_default=True, help="Variable with the keys.")
@click.option("--keys-file", type=click.Path(path_type=Path), help="File with a key a line.")
@click.option("--dialect", type=click.Choice(get_args(Dialect)), help="[default: openai]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="0: any free one.  [default: 0]")
@click.option("--seconds-per-step", type=float, help="Simulated training time.  [default: 0]")
@click.option("--file-delay-s", type=float, help="Time until a file is processed.  [default: 0]")
@click.option("--deployment-delay-s", type=float, help="Until a deployed model answers.")
@click.option("--latency-ms", type=float, help="Of all answers but chat.  [default: 0]")
@click.option("--chat-latency-ms", type=float, help="Of chat.  [default: 0]")
@click.option("--requests-per-minute", type=float, help="For each key and model.")
@click.option("--tokens-per-minute", type=float, help="For each key and model.")
@click.option("--burst-s", type=float, help="What the buckets hold, in seconds.  [default: 60]")
@click.option("--max-active-jobs", type=int, help="For each base model.")
@click.option("--when-full", type=click.Choice(["refuse", "queue"]), help="[default: refuse]")
@click.option("--trainers", type=int, help="Training processes.  [default: 1]")
@click.option("--faults", type=click.Path(path_type=Path), help="JSON file of faults.")
def main(
    directory: Path,
    config: Path | None,
    keys_env: str,
    keys_file: Path | None,
    faults: Path | None,
    **options: Any,
) -> None:
    """Serve the OpenAI fine-tuning dialect from a folder, with a small real learner.

    Prints {"event": "ready", "url": ...} on stdout once it listens.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        settings = _settings(config, faults, options)
        keys = read_keys(keys_env, keys_file)
        asyncio.run(serve(settings, directory, keys))
    except TuneqError as error:
        hint = f"\n{error.hint}" if error.hint else ""
        click.echo(f"error: {error.message}{hint}", err=True)
        sys.exit(error.exit_code)


def _settings(config: Path | None, faults: Path | None, options: dict[str, Any]) -> ProviderConfig:
    base = read_config(config) if config else ProviderConfig()
    document = base.model_dump()
    given = {name: value for name, value in options.items() if value is not None}
    for name in _RATES:
        if name in given:
            document["rate_limit"][name] = given.pop(name)
    document.update(given)
    try:
        if faults:
            document["faults"] = json.loads(faults.read_bytes())
        return ProviderConfig.model_validate(document)
    except (OSError, json.JSONDecodeError) as error:
        raise ConfigurationError(f"cannot read {faults}: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"wrong option: {first_problem(error).message}") from error


if __name__ == "__main__":
    main()

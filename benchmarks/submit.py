"""`tuneq submit --manifest` of 100,000 rows, against one `apply_async` of Celery a row.

Usage: python -m benchmarks.submit [--rows N]

Both send the same requests to the same kind of server, which appends them to a file on disk. Celery
only puts a message into a list; tuneq validates all rows before it creates the first run, and then
answers for each row.
"""

import io
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from benchmarks.measuring import measured, print_table

_LEAST = 10  # examples of a training file


def manifest_row(number: int) -> dict[str, Any]:
    """A request with an evaluation."""
    return {
        "name": f"run-{number}",
        "group": "bulk",
        "model": "gpt-4.1-mini-2025-04-14",
        "training_file": "train.jsonl",
        "validation_file": "val.jsonl",
        "seed": number,
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
        "evaluation": {"dataset": "val.jsonl", "scorer": "exact", "max_tokens": 8},
        "labels": {"team": "qa"},
    }


def by_celery(url: str, count: int) -> int:
    """A message a row, JSON, through one open connection."""
    from celery import Celery  # noqa: PLC0415 - only this process needs it

    app = Celery("benchmark", broker=url)
    app.conf.task_ignore_result = True

    @app.task(name="benchmark.fine_tune")
    def fine_tune(request: dict[str, Any]) -> None:
        """Never run."""

    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        for number in range(count):
            fine_tune.apply_async((manifest_row(number),), producer=producer, queue="benchmark")
    return count


def by_tuneq(folder: str, url: str) -> int:
    """The command, as it is called."""
    config = Path(folder, "tuneq.toml")
    config.write_text(
        f'redis_url = "{url}"\ndata_url = "data"\ndefault_account = "bulk"\n'
        '[accounts.bulk]\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    os.environ["TUNEQ_CONFIG"] = str(config)
    from tuneq_producer.commands.submit import submit  # noqa: PLC0415 - after the variable is set

    output = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(output):
        submit.main(["--manifest", f"{folder}/manifest.jsonl"], standalone_mode=False)
    output.seek(0)
    return sum(1 for _ in output)


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    count = parser.parse_args().rows
    with TemporaryDirectory() as folder:
        _write_files(Path(folder), count)
        with _server(f"{folder}/celery") as url:
            celery = measured("celery apply_async", count, by_celery, url, count)
        with _server(f"{folder}/tuneq") as url:
            ours = measured("tuneq submit", count, by_tuneq, folder, url)
    if ours.result != count:
        raise AssertionError(f"{ours.result} runs of {count} rows")
    print_table(f"submit {count:,} rows", [celery, ours], against="celery apply_async")
    print(f"\nwall: {celery.wall_s / ours.wall_s:.1f} times as fast")


def _write_files(folder: Path, count: int) -> None:
    for name in ("train", "val"):
        messages = [
            [
                {"role": "user", "content": f"question {number} of {name}"},
                {"role": "assistant", "content": "A"},
            ]
            for number in range(_LEAST)
        ]
        lines = b"".join(orjson.dumps({"messages": each}) + b"\n" for each in messages)
        folder.joinpath(f"{name}.jsonl").write_bytes(lines)
    with folder.joinpath("manifest.jsonl").open("wb") as file:
        file.writelines(orjson.dumps(manifest_row(number)) + b"\n" for number in range(count))


@contextmanager
def _server(folder: str) -> Iterator[str]:
    from tuneq_sandbox.redis_server import EmbeddedRedis  # noqa: PLC0415 - not in the children

    Path(folder).mkdir()
    with EmbeddedRedis(Path(folder)) as server:
        yield server.url


if __name__ == "__main__":
    main()

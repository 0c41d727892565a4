"""Tokens of a million lines: estimated from a sample, against counting all of them.

Usage: python -m benchmarks.tokens [--lines N]
"""

from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.check import write_lines
from benchmarks.measuring import measured, print_table

_MODEL = "gpt-4.1-mini"


def counted(path: str) -> tuple[int, str]:
    """Every text counted in the model's vocabulary."""
    from tuneq_shared.data.vocabularies import (  # noqa: PLC0415 - only this process needs it
        count_tokens,
        vocabulary_of,
    )

    vocabulary = vocabulary_of(_MODEL) or ""
    total = 0
    with Path(path).open("rb") as file:
        for line in file:
            messages = orjson.loads(line)["messages"]
            total += sum(count_tokens(message["content"], vocabulary) for message in messages)
            total += 4 * len(messages) + 3  # what encloses the messages and the example
    return total, f"{vocabulary}, all"


def checked(path: str, model: str | None) -> tuple[int, str]:
    """The whole check, in which tokens are estimated on the way."""
    from functools import partial  # noqa: PLC0415 - only this process needs it

    from tuneq_producer.prepare.files import read_lines  # noqa: PLC0415 - likewise
    from tuneq_shared.data.check import Source, check_datasets  # noqa: PLC0415 - likewise
    from tuneq_shared.data.lines import Reread  # noqa: PLC0415 - likewise

    report = check_datasets(Source(path, Reread(partial(read_lines, Path(path)))), model=model)
    return report.files[0].tokens, report.token_method


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=main.__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    count = parser.parse_args().lines
    with TemporaryDirectory() as folder:
        path = Path(folder, "train.jsonl")
        write_lines(path, count, metadata=False)
        every = measured("count all", count, counted, str(path))
        measures = [
            every,
            measured("check, sampled", count, checked, str(path), _MODEL),
            measured("check, characters", count, checked, str(path), None),
        ]
    print_table(f"tokens of {count:,} lines", measures, against="count all")
    print(f"\n{every.result[0] / every.cpu_s / 1e6:.1f} million tokens a CPU second, all counted")
    for measure in measures:
        tokens, method = measure.result
        share = tokens / every.result[0]
        print(f"{measure.name:<18}{tokens:>14,} tokens, {share:.3f} of all: {method}")


if __name__ == "__main__":
    main()

"""`tuneq prepare` of a million rows, against pandas `apply(axis=1)` and json.

Usage: python -m benchmarks.prepare [--rows N]
"""

import io
import json
import random
from argparse import ArgumentParser
from contextlib import redirect_stdout
from pathlib import Path
from string import ascii_uppercase
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from benchmarks.measuring import measured, print_table

_WORDS = (
    "which", "of", "these", "best", "describes", "the", "way", "that", "water", "moves", "through",
)  # fmt: skip
_TABLES = {".parquet": "read_parquet", ".csv": "read_csv", ".jsonl": "read_json"}


def write_tables(folder: str, count: int) -> None:
    """Write the same table in three forms, and as many ScienceQA problems."""
    import pyarrow as pa  # noqa: PLC0415 - only this process needs it
    from pyarrow import csv, parquet  # noqa: PLC0415 - likewise

    draw = random.Random(1)
    texts = [f"{' '.join(draw.choices(_WORDS, k=12))} {number}?" for number in range(count)]
    labels = [f"class {number % 77}" for number in range(count)]
    table = pa.table({"text": texts, "category": labels})
    parquet.write_table(table, f"{folder}/table.parquet")
    csv.write_csv(table, f"{folder}/table.csv")
    with Path(folder, "table.jsonl").open("wb") as file:
        file.writelines(
            orjson.dumps({"text": text, "category": label}) + b"\n"
            for text, label in zip(texts, labels, strict=True)
        )
    with Path(folder, "problems.jsonl").open("wb") as file:
        for number, text in enumerate(texts):
            problem = {
                "id": str(number),
                "split": "train",
                "question": text,
                "choices": ["one", "two", "three"],
                "answer": number % 3,
                "hint": "Look at the passage.",
                "subject": "natural science",
                "topic": "biology",
            }
            file.write(orjson.dumps(problem) + b"\n")


def pandas_table(source: str, out: str) -> None:
    """The table by pandas, row by row."""
    import pandas as pd  # noqa: PLC0415 - only this process needs it

    options = {"lines": True} if source.endswith(".jsonl") else {}
    frame = getattr(pd, _TABLES[Path(source).suffix])(source, **options)
    lines = frame.apply(_table_line, axis=1)
    Path(out).write_text("\n".join(lines) + "\n", encoding="utf-8")


def pandas_scienceqa(source: str, out: str) -> None:
    """The problems by pandas, row by row."""
    import pandas as pd  # noqa: PLC0415 - only this process needs it

    lines = pd.read_json(source, lines=True).apply(_scienceqa_line, axis=1)
    Path(out).write_text("\n".join(lines) + "\n", encoding="utf-8")


def tuneq(*arguments: str) -> None:
    """The command, as it is called."""
    from tuneq_producer.commands.prepare import prepare  # noqa: PLC0415 - only this process needs it

    with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        prepare.main(list(arguments), standalone_mode=False)


def main() -> None:
    """Print the tables."""
    parser = ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    count = parser.parse_args().rows
    with TemporaryDirectory() as folder:
        measured("tables", count, write_tables, folder, count)
        for suffix in _TABLES:
            source, out = f"{folder}/table{suffix}", f"{folder}/out.jsonl"
            options = ["--prompt", "Query: {text}\nIntent:", "--response", "category"]
            options += ["--label", "category", "--out", out, "--force"]
            measures = [
                measured("pandas apply + json", count, pandas_table, source, f"{folder}/p.jsonl"),
                measured("tuneq prepare table", count, tuneq, "table", source, *options),
            ]
            _require_same(f"{folder}/p.jsonl", out)
            title = f"prepare {count:,} rows of {suffix}"
            print_table(title, measures, against="pandas apply + json")
        source = f"{folder}/problems.jsonl"
        measures = [
            measured("pandas apply + json", count, pandas_scienceqa, source, f"{folder}/p.jsonl"),
            measured("tuneq prepare scienceqa", count, tuneq, "scienceqa", source, "--out", folder),
        ]
        _require_same(f"{folder}/p.jsonl", f"{folder}/train.jsonl")
        title = f"prepare {count:,} ScienceQA problems"
        print_table(title, measures, against="pandas apply + json")


def _table_line(row: Any) -> str:
    return json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"Query: {row['text']}\nIntent:"},
                {"role": "assistant", "content": row["category"]},
            ],
            "metadata": {"label": row["category"]},
        }
    )


def _scienceqa_line(row: Any) -> str:
    letters = zip(ascii_uppercase, row["choices"], strict=False)
    options = " ".join(f"({letter}) {choice}" for letter, choice in letters)
    prompt = f"Context: {row['hint']}\nQuestion: {row['question']}\nOptions:{options}\nAnswer:"
    return json.dumps(
        {
            "messages": [
                {"role": "user", "content": prompt},
                {"role": "assistant", "content": ascii_uppercase[row["answer"]]},
            ],
            "metadata": {
                "choices": row["choices"],
                "label": row["subject"],
                "subject": row["subject"],
            },
        }
    )


def _require_same(first: str, second: str) -> None:
    with Path(first).open("rb") as one, Path(second).open("rb") as other:
        for left, right in zip(one, other, strict=True):
            if orjson.loads(left) != orjson.loads(right):
                raise AssertionError(f"{left!r} is not {right!r}")


if __name__ == "__main__":
    main()

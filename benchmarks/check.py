"""`tuneq check` of a million lines, against the checks of OpenAI's cookbook.

Usage: python -m benchmarks.check [--lines N]

The alternative is written after the cookbook's "Data preparation and analysis for chat model
fine-tuning": all lines parsed into a list, and then loops over examples and messages. It looks for
less: no duplicates, no leakage, no line numbers, no tokens.
"""

import io
import json
import random
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.measuring import measured, print_table

_WORDS = (
    "which", "of", "these", "best", "describes", "the", "way", "that", "water", "moves", "through",
    "a", "plant", "from", "root", "to", "leaf", "when", "light", "falls", "and", "air", "is", "dry",
)  # fmt: skip
_KEYS = {"role", "content", "name", "function_call", "weight"}
_ROLES = {"system", "user", "assistant", "function"}


def write_lines(path: Path, count: int, *, metadata: bool) -> None:
    """Write chat lines of about 200 bytes, or of 300 with metadata."""
    draw = random.Random(1)
    with path.open("wb") as file:
        file.writelines(_lines(draw, count, metadata=metadata))


def cookbook(path: str) -> dict[str, int]:
    """The cookbook's checks."""
    with Path(path).open(encoding="utf-8") as file:
        dataset = [json.loads(line) for line in file]
    found: Counter[str] = Counter()
    for example in dataset:
        if not isinstance(example, dict):
            found["data_type"] += 1
            continue
        messages = example.get("messages")
        if not messages:
            found["missing_messages_list"] += 1
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                found["message_missing_key"] += 1
            if any(key not in _KEYS for key in message):
                found["message_unrecognized_key"] += 1
            if message.get("role", None) not in _ROLES:
                found["unrecognized_role"] += 1
            content = message.get("content", None)
            if (not content and not message.get("function_call")) or not isinstance(content, str):
                found["missing_content"] += 1
        if not any(message.get("role") == "assistant" for message in messages):
            found["example_missing_assistant_message"] += 1
    return dict(found)


def tuneq(path: str) -> dict[str, int]:
    """The command, as it is called."""
    from tuneq_producer.commands.check import check  # noqa: PLC0415 - only this process needs it

    output = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(output):
        check.main([path, "--json"], standalone_mode=False)
    output.seek(0)
    counts: dict[str, int] = orjson.loads(output.read())["counts"]
    return counts


def main() -> None:
    """Print the tables."""
    parser = ArgumentParser(description=main.__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    count = parser.parse_args().lines
    with TemporaryDirectory() as folder:
        for metadata in (False, True):
            path = Path(folder, "train.jsonl")
            write_lines(path, count, metadata=metadata)
            measures = [
                measured(name, count, work, str(path))
                for name, work in (("cookbook", cookbook), ("tuneq check", tuneq))
            ]
            kind = "with choices, label and subject" if metadata else "of two messages"
            print_table(f"check {count:,} lines {kind}", measures, against="cookbook")


def _lines(draw: random.Random, count: int, *, metadata: bool) -> Iterator[bytes]:
    for number in range(count):
        context = " ".join(draw.choices(_WORDS, k=18))
        choices = [" ".join(draw.choices(_WORDS, k=2)) for _ in range(3)]
        options = f"\nOptions:(A) {choices[0]} (B) {choices[1]} (C) {choices[2]}"
        question = f"Context: {context}\nQuestion: {number}?{options if metadata else ''}\nAnswer:"
        line: dict[str, object] = {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": "ABC"[number % 3]},
            ]
        }
        if metadata:
            known = {"choices": choices, "label": "natural science", "subject": "natural science"}
            line["metadata"] = known
        yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()

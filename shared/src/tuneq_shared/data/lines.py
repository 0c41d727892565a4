"""From the bytes of a JSONL file to JSON values, one line at a time."""

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.json_fault import describe_json_fault

_BATCH_BYTES = 1 << 16
_MOST_LINES = 512


@dataclass(frozen=True, slots=True)
class Reread:
    """Lines that can be gone through again: each time they are read anew."""

    read: Callable[[], Iterator[bytes]]

    def __iter__(self) -> Iterator[bytes]:
        return self.read()


def batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The lines in lists of about 64 KiB, so that long ones are held in small number."""
    left, count = iter(lines), 1
    while batch := list(islice(left, count)):
        yield batch
        mean = sum(map(len, batch)) // len(batch)
        count = min(2 * count, 1 + _BATCH_BYTES // (mean + 1), _MOST_LINES)


def read_json_lines(lines: Iterable[bytes], start: int = 1) -> Iterator[tuple[int, Any | Problem]]:
    """Each line's number, the first one's being `start`, and its JSON value or what is wrong.

    LF and CRLF both end a line. A byte order mark is reported, and its line read without it.
    """
    for number, raw in enumerate(lines, start):
        text = raw
        if number == 1 and raw.startswith(codecs.BOM_UTF8):
            text = raw[len(codecs.BOM_UTF8) :]
            yield 1, Problem(Code.BYTE_ORDER_MARK, "the file begins with a byte order mark")
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            value = _explain(text, error)
        yield number, value


def without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, the first without a byte order mark: in a sample it need not be the first."""
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix(codecs.BOM_UTF8)


def _explain(raw: bytes, error: orjson.JSONDecodeError) -> Problem:
    if not raw.strip():
        return Problem(Code.BLANK_LINE, "blank line")
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        return Problem(
            Code.NOT_UTF8,
            f"not UTF-8 at byte {fault.start + 1} of the line: 0x{raw[fault.start]:02x}"
            f"{_other_encoding(raw)}",
        )
    return Problem(Code.NOT_JSON, describe_json_fault(text.rstrip("\r\n"), error.msg))


def _other_encoding(raw: bytes) -> str:
    is_utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return " (the file seems to be UTF-16)" if is_utf16 else ""

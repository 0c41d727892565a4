"""From the bytes of a JSONL file to JSON values, one line at a time."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from tuneq_shared.data.codes import Code, Problem
from tuneq_shared.data.json_fault import describe_json_fault


def read_json_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, Any | Problem]]:
    """Each line's number, from 1, and its JSON value or what is wrong with it.

    LF and CRLF both end a line. A byte order mark is reported, and its line read without it.
    """
    for number, raw in enumerate(lines, 1):
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

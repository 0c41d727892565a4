"""Texts as they stand between the quotes of JSON."""

from collections.abc import Sequence

import orjson

_BORDER = "\x7f"  # which JSON leaves as it is


def json_text(text: str) -> str:
    """The text as JSON, without its quotes."""
    return orjson.dumps(text).decode()[1:-1]


def json_texts(texts: Sequence[str]) -> Sequence[str]:
    """The same of many: all in one, which is several times as fast."""
    joined = _BORDER.join(texts)
    if joined.count(_BORDER) != len(texts) - 1:  # a text has that character itself
        return [json_text(text) for text in texts]
    written = json_text(joined)
    return texts if len(written) == len(joined) else written.split(_BORDER)

"""Why a line is not JSON, in words that help the one who wrote it."""

import json
import re

_STRAY_QUOTE = re.compile(r':\s*"\s*[\[{][\s\[{]*"$')
_DOUBLED_QUOTE = re.compile(r':\s*""$')
_REASONS = {  # by the beginning of the standard library's message
    "Unterminated string": (
        "a text is not closed: a quote is missing, or a line break is not written as \\n"
    ),
    "Invalid control character": (
        "a tab or line break inside a text must be written as \\t or \\n"
    ),
    "Extra data": "something follows the object: write one object a line",
    "Illegal trailing comma": "a comma too many",
}
_CLOSERS = {"{": "}", "[": "]"}


def describe_json_fault(text: str, fallback: str) -> str:
    """What is wrong with a text that is not JSON, at which column, and the likely reason.

    Args:
        text: the line.
        fallback: the words of the parser that refused it, for faults that the standard library's
            parser, which names them better, does not see (such as NaN).
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        reason = _likely_reason(text, error)
        place = f"not JSON at column {error.pos + 1}: {error.msg}"
        return f"{place} ({reason})" if reason else place
    except RecursionError:
        return "not JSON: nested too deeply"
    return f"not JSON: {fallback}"


def _likely_reason(text: str, error: json.JSONDecodeError) -> str | None:
    for beginning, reason in _REASONS.items():
        if error.msg.startswith(beginning):
            return reason
    before, rest = text[: error.pos].rstrip(), text[error.pos :].lstrip()
    if error.msg.startswith("Expecting ':'") and before.endswith(':"'):
        return "the quote that closes the key stands after the colon: move it before the colon"
    reasons = (_quote_reason, _bracket_reason, _separator_reason)
    return next(filter(None, (reason(before, rest) for reason in reasons)), None)


def _quote_reason(before: str, rest: str) -> str | None:
    """Quotes: too many, too few, or of the wrong kind."""
    if rest[:1] in {"'", "\u201c", "\u201d"}:  # the opening and closing quotes of typography
        return f'{rest[0]} stands where a straight double quote " should stand'
    if _STRAY_QUOTE.search(before):
        return "a quote stands after the colon, before the bracket: take it out"
    if _DOUBLED_QUOTE.search(before):
        return "a second quote stands after the colon: take it out"
    if before.endswith('"') and re.match(r"[^\W\d_]", rest):
        return 'a quote inside a text must be written as \\"'
    return None


def _bracket_reason(before: str, rest: str) -> str | None:
    """Brackets: missing, or of the wrong kind."""
    opened = _open_brackets(before)
    innermost = opened[-1] if opened else ""
    head = rest[:1]
    if not rest:
        closers = "".join(_CLOSERS[bracket] for bracket in reversed(opened))
        return f"the line ends before {closers} is written: one object must not span lines"
    if head == ":" and innermost == "[":
        return "a bracket [ stands where a brace { should open the object"
    if head in "]}" and innermost and head != _CLOSERS[innermost]:
        return f"{head} stands where {_CLOSERS[innermost]} should close the {innermost}"
    return None


def _separator_reason(before: str, rest: str) -> str | None:
    """Commas and words."""
    head = rest[:1]
    if before.endswith(",") and head in "]},":
        return f"a comma too many before {head}"
    if re.match(r"(True|False|None)\b", rest):
        return "a Python value: write true, false or null"
    if before[-1:] in {'"', "}", "]"} and head in '{["':
        return f"a comma is missing before {head}"
    return None


def _open_brackets(text: str) -> list[str]:
    """The brackets that are open at the end of a text, outermost first; texts are skipped."""
    opened: list[str] = []
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        if token in _CLOSERS:
            opened.append(token)
        elif token in {"]", "}"} and opened:
            opened.pop()
    return opened

"""Prompt templates: text with `{column}` where a row's cell is put in."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from tuneq_shared.errors import InvalidInputError

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: texts and columns by turns, a text first and last."""

    texts: tuple[str, ...]
    columns: tuple[str, ...]

    def fill(self, cells: Mapping[str, Sequence[str]]) -> str:
        """The text once for each row, given by columns, with its cells in the columns' places."""
        pieces: list[Iterable[str]] = [repeat(self.texts[0])]
        for column, text in zip(self.columns, self.texts[1:], strict=True):
            pieces += (cells[column], repeat(text))
        return "".join(chain.from_iterable(zip(*pieces, strict=False)))


def parse_template(text: str) -> Template:
    """Parse a template; `{{` and `}}` stand for single braces.

    Raises:
        InvalidInputError: a brace stands alone, or no column is named.
    """
    texts: list[str] = [""]
    columns: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        texts[-1] += text[end : token.start()]
        end = token.end()
        if token[1] is not None:
            columns.append(token[1])
            texts.append("")
        elif token[0] in {"{{", "}}"}:
            texts[-1] += token[0][0]
        else:
            raise InvalidInputError(
                f"--prompt: a single {token[0]} at character {token.start() + 1}",
                hint="name a column as {column}, and write {{ or }} for a brace",
            )
    texts[-1] += text[end:]
    if not columns:
        raise InvalidInputError(
            "--prompt names no column", hint="put a column in its place, as in 'Text: {text}'"
        )
    return Template(tuple(texts), tuple(columns))

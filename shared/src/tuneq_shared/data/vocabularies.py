"""Vocabularies by which models cut text into tokens, bundled: nothing is downloaded."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec

_BY_FAMILY = {
    "gpt-5": "o200k_base",
    "gpt-4.5": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4o": "o200k_base",
    "chatgpt-4o": "o200k_base",
    "gpt-oss": "o200k_base",
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4": "o200k_base",
    "gpt-4": "cl100k_base",
    "gpt-3.5-turbo": "cl100k_base",
    "gpt-35-turbo": "cl100k_base",
    "davinci-002": "cl100k_base",
    "babbage-002": "cl100k_base",
}
"""What is known, by the beginning of a model's name. Source: OpenAI's tiktoken, `model.py`."""


def vocabulary_of(model: str) -> str | None:
    """The vocabulary of a model, tuned ones included; none where it is not known or not here."""
    base = model.removeprefix("ft:").partition(":")[0]
    for family, vocabulary in _BY_FAMILY.items():
        if base == family or base.startswith((f"{family}-", f"{family}.")):
            return vocabulary if find_spec("bpe_openai") else None
    return None


def count_tokens(text: str, vocabulary: str) -> int:
    """How many tokens a text has. The first call takes half a second and 130 MB of memory."""
    return _counter(vocabulary)(text)


@cache
def _counter(vocabulary: str) -> Callable[[str], int]:
    # Past the package's own face, which has no count and builds tables of every token.
    from bpe_openai._bindings import tokenizer_for_encoding  # noqa: PLC0415 - loads a large library

    count: Callable[[str], int] = tokenizer_for_encoding(vocabulary).count
    return count

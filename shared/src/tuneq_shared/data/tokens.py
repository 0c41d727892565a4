"""Tokens and what training on them costs, estimated offline."""

from collections.abc import Iterable
from typing import Any

from tuneq_shared.data.message_rules import full_text

ESTIMATE_METHOD = "characters/4"
"""How tokens are counted here; every output that shows an estimate names it."""

ASSUMED_EPOCHS = 3
"""How often the data is read where the provider is to choose: the default of the experiment."""

_CHARACTERS_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Tokens of a text: a quarter of its characters, rounded up."""
    return tokens_of_characters(len(text))


def estimate_message_tokens(messages: Iterable[dict[str, Any]]) -> int:
    """Tokens of sound messages, their roles not counted."""
    return tokens_of_characters(sum(len(full_text(message)) for message in messages))


def tokens_of_characters(characters: int) -> int:
    """Tokens of so many characters: a quarter of them, rounded up."""
    return -(-characters // _CHARACTERS_PER_TOKEN)


def training_cost_usd(tokens: int, *, epochs: int, usd_per_million: float) -> float:
    """What a job costs that reads `tokens` tokens `epochs` times."""
    return tokens * epochs * usd_per_million / 1_000_000

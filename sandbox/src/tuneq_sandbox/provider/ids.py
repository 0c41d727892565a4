"""Identifiers in the provider's style, and its count of tokens."""

import math
import secrets

CHARACTERS_A_TOKEN = 4


def new_id(prefix: str) -> str:
    """A random identifier such as `file-5b0c...`."""
    return prefix + secrets.token_hex(12)


def count_tokens(text: str) -> int:
    """Tokens of a text, as this provider counts them: four characters each, rounded up."""
    return math.ceil(len(text) / CHARACTERS_A_TOKEN)

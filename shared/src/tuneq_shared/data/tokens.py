"""Tokens and what training on them costs, estimated offline."""

ESTIMATE_METHOD = "characters/4"
"""How tokens are counted where the model's vocabulary is not known; every output names it."""

ASSUMED_EPOCHS = 3
"""How often the data is read where the provider is to choose: the default of the experiment."""

CHARACTERS_PER_TOKEN = 4


def tokens_of_characters(characters: int) -> int:
    """Tokens of so many characters: a quarter of them, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def training_cost_usd(tokens: int, *, epochs: int, usd_per_million: float) -> float:
    """What a job costs that reads `tokens` tokens `epochs` times."""
    return tokens * epochs * usd_per_million / 1_000_000

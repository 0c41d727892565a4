"""Which of the configured prices is whose, and what answers cost."""

from collections.abc import Mapping

from tuneq_shared.domain.request import Mode
from tuneq_shared.settings import Price

_MILLION = 10**6
_TUNED = "ft:"


def price_of_training(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Of training on a base model; none where only its answers have a price."""
    found = prices.get(model)
    return found if found and "training" in found.model_fields_set else None


def price_of_answers(model: str, prices: Mapping[str, Price]) -> Price | None:
    """Of a model by its name, or of a tuned one by the first part of it, `ft:` and its base model.

    None where what it is asked and answers has no price, be it that training on it has one.
    """
    base = ":".join(model.split(":")[:2]) if model.startswith(_TUNED) else model
    found = prices.get(model) or prices.get(base)
    return found if found and {"input", "output"} & found.model_fields_set else None


def price_of_tuned(base: str, prices: Mapping[str, Price]) -> Price | None:
    """Of the answers of a model that is yet to be tuned: `ft:` and its base, else the base's."""
    return price_of_answers(f"{_TUNED}{base}", prices) or price_of_answers(base, prices)


def answers_usd(price: Price, prompt_tokens: int, completion_tokens: int, mode: Mode) -> float:
    """USD for tokens that are sent and answered."""
    full = price.input * prompt_tokens + price.output * completion_tokens
    return full * (1 - price.batch_discount if mode == "batch" else 1.0) / _MILLION

"""What the answers of an evaluation cost."""

from collections.abc import Mapping

from tuneq_shared.domain.evaluation import Counts, EvaluationSpec
from tuneq_shared.prices import answers_usd, price_of_answers, price_of_tuned
from tuneq_shared.settings import Price


def answers_cost(spec: EvaluationSpec, counts: Counts, prices: Mapping[str, Price]) -> float | None:
    """USD for the tokens that were sent and answered; none where no price is configured."""
    price = price_of_answers(spec.model, prices)
    if price is None and spec.base is not None:
        price = price_of_tuned(spec.base, prices)
    if price is None:
        return None
    return answers_usd(price, counts.prompt_tokens, counts.completion_tokens, spec.mode)

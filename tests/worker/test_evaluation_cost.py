from dataclasses import replace

import pytest

from tuneq_shared.domain.evaluation import Counts, EvaluationSpec
from tuneq_shared.domain.request import FineTuneRequest, Mode
from tuneq_shared.settings import Price
from tuneq_worker.evaluation.cost import answers_cost

SPEC = EvaluationSpec(
    account="lab",
    model="m",
    dataset="data:e.jsonl",
    dataset_digest="d",
    scorer="exact",
    max_tokens=8,
    temperature=0.0,
)
COUNTS = Counts(correct=1, prompt_tokens=1_000_000, completion_tokens=500_000)
PRICES = {
    "m": Price(input=2.0, output=4.0),
    "ft:m": Price(input=3.0, output=6.0, batch_discount=0.25),
    "ft:m:org::dear": Price(input=10.0),
    "trained": Price(training=5.0),
    "free": Price(input=0.0),
}


@pytest.mark.parametrize(
    ("model", "mode", "usd"),
    [
        ("m", "direct", 4.0),
        ("m", "batch", 2.0),
        ("ft:m:org::id", "direct", 6.0),
        ("ft:m:org::id", "batch", 4.5),
        ("ft:m:org::dear", "direct", 10.0),
        ("ft:other:org::id", "direct", None),
        ("other", "batch", None),
        ("trained", "direct", None),
        ("free", "direct", 0.0),
    ],
)
def test_answers_cost_what_their_tokens_do(model: str, mode: Mode, usd: float | None) -> None:
    assert answers_cost(replace(SPEC, model=model, mode=mode), COUNTS, PRICES) == usd


@pytest.mark.parametrize(
    ("base", "usd"), [("m", 6.0), ("free", 0.0), ("other", None), (None, None)]
)
def test_without_a_price_of_its_own_a_tuned_model_costs_what_was_estimated(
    base: str | None, usd: float | None
) -> None:
    tuned = replace(SPEC, model="org/tuned-by-a-vendor", base=base)
    assert answers_cost(tuned, COUNTS, PRICES) == usd
    assert tuned.fingerprint() == replace(tuned, base=None).fingerprint()


def test_how_it_is_asked_makes_neither_another_evaluation_nor_another_run() -> None:
    assert replace(SPEC, mode="batch").fingerprint() == SPEC.fingerprint()
    request = {"model": "m", "training_file": "t.jsonl", "evaluation": {"dataset": "e.jsonl"}}
    direct = FineTuneRequest.model_validate(request)
    batched = {**request, "evaluation": {"dataset": "e.jsonl", "mode": "batch"}}
    assert FineTuneRequest.model_validate(batched).identity() == direct.identity()

"""What an account cannot do is refused at every door, in words that tell what it can."""

from pathlib import Path
from typing import Any

import pytest

from tuneq_shared.data_root import DataRoot
from tuneq_shared.dialects import DIALECTS
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.intake import ForeignDoor, parse_request, resolve
from tuneq_shared.intake.abilities import refuse_unable
from tuneq_shared.settings import Account, Settings


def request(suffix: str | None = None, **knobs: Any) -> FineTuneRequest:
    method = {"supervised": {"hyperparameters": knobs}}
    words = {"model": "m", "training_file": "file-1", "account": "lab", "method": method}
    return parse_request(words | ({"suffix": suffix} if suffix else {}))


@pytest.mark.parametrize(
    ("capabilities", "asked", "complaint", "field"),
    [
        ({}, {"learning_rate": 0.1}, "learning_rate: it takes n_epochs, batch_size", "hyper"),
        ({"hyperparameters": []}, {"n_epochs": "auto"}, "n_epochs: it takes none", "hyper"),
        ({"suffix_length": 3}, {"suffix": "four"}, "4 characters: at most 3", "suffix_length"),
        ({"suffix_length": 0}, {"suffix": "x"}, "1 characters: it takes none", "suffix_length"),
        ({"methods": ["dpo"]}, {}, "supervised is not offered, but dpo", "methods"),
        (
            {"suffix_length": 0, "methods": []},
            {"suffix": "x", "lora": True},
            "not offered, but none; .*lora.*; suffix",
            "methods and hyperparameters and suffix_length",
        ),
    ],
)
def test_it_tells_what_is_taken_and_what_corrects_the_record(
    capabilities: dict[str, Any], asked: dict[str, Any], complaint: str, field: str, tmp_path: Path
) -> None:
    lab = {"base_url": "https://example.org", "capabilities": capabilities}
    settings = Settings(accounts={"lab": Account.model_validate(lab)})
    with pytest.raises(InvalidInputError, match=f"account lab: .*{complaint}") as caught:
        resolve(request(**asked), settings, ForeignDoor(DataRoot(str(tmp_path))))
    assert field in caught.value.hint
    assert "[accounts.lab.capabilities]" in caught.value.hint


def test_preference_training_is_for_accounts_that_offer_it() -> None:
    settings = {"hyperparameters": {"beta": 0.1, "batch_size": 4}}
    words = {**request().model_dump(), "method": {"type": "dpo", "dpo": settings}}
    asked = FineTuneRequest.model_validate(words)
    refuse_unable(asked, "lab", DIALECTS["openai"])
    refuse_unable(asked, "lab", DIALECTS["azure"])
    with pytest.raises(InvalidInputError, match="dpo is not offered, but supervised"):
        refuse_unable(asked, "lab", DIALECTS["nebius"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": {"dpo": {"hyperparameters": {"beta": 1}}}}, 'settings of dpo need "type"'),
        (
            {"method": {"type": "dpo", "supervised": {"hyperparameters": {"n_epochs": 1}}}},
            'stand under "dpo"',
        ),
        ({"method": {"type": "dpo", "dpo": {"hyperparameters": {"lora": True}}}}, "lora"),
        (
            {
                "method": {"type": "dpo"},
                "evaluation": {"dataset": "data:e", "baselines": [{"model": "m", "shots": 1}]},
            },
            "preference pairs are none",
        ),
    ],
)
def test_a_method_has_settings_of_its_own(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parse_request({"model": "m", "training_file": "file-1", **fields})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_dialect_takes_passes(dialect: str) -> None:
    can = DIALECTS[dialect]
    values: dict[str, Any] = {"packing": True, "lora": True, "batch_size": 8, "n_epochs": 2}
    knobs = {name: values.get(name, 0.5) for name in can.hyperparameters}
    knobs |= {name: 8 for name in ("context_length", "lora_r", "lora_alpha") if name in knobs}
    refuse_unable(request("x" * can.suffix_length, **knobs), "lab", can)


def test_an_evaluation_in_batches_needs_an_account_that_has_them() -> None:
    wanted = {**request().model_dump(), "evaluation": {"dataset": "data:e", "mode": "batch"}}
    batched = FineTuneRequest.model_validate(wanted)
    refuse_unable(batched, "lab", DIALECTS["openai"])
    with pytest.raises(InvalidInputError, match="an evaluation in batches: it has none") as caught:
        refuse_unable(batched, "lab", DIALECTS["nebius"])
    assert "correct batch under" in caught.value.hint

"""What a job is ordered with."""

from collections.abc import Callable
from typing import Any

from tuneq_shared.domain.request import Hyperparameters
from tuneq_worker.ports.provider import JobSpec
from tuneq_worker.providers.together.purchases import suffix_of

_AUTO = "auto"  # to be left to the provider, as what is absent
_NAMES = {
    "n_epochs": "n_epochs",
    "batch_size": "batch_size",
    "learning_rate": "learning_rate",
    "warmup_ratio": "warmup_ratio",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "context_length": "max_seq_length",
    "packing": "packing",
}


def order(spec: JobSpec, evaluations: int, default_rank: Callable[[], int]) -> dict[str, Any]:
    """The body of a creation; what is not said is Together's choice.

    Args:
        spec: What is to be bought.
        evaluations: How often it looks at the validation file, if there is one.
        default_rank: The base model's own rank of adapters, asked for where it is needed.
    """
    knobs = spec.method.supervised.hyperparameters
    given = knobs.model_dump(exclude_none=True)
    body: dict[str, Any] = {
        "model": spec.model,
        "training_file": spec.training_file,
        "training_method": {"method": "sft", "train_on_inputs": _AUTO},
        "suffix": suffix_of(spec.suffix, spec.purchase),
        "random_seed": spec.seed,
        "training_type": _training_type(knobs, default_rank),
    }
    if spec.validation_file and evaluations:
        body |= {"validation_file": spec.validation_file, "n_evals": evaluations}
    body |= {_NAMES[name]: given[name] for name in given if name in _NAMES}
    return {name: value for name, value in body.items() if value not in (None, _AUTO)}


def _training_type(
    knobs: Hyperparameters, default_rank: Callable[[], int]
) -> dict[str, Any] | None:
    """Together's default is an adapter; its numbers can only be given together."""
    if knobs.lora is False:
        return {"type": "Full"}
    if knobs.lora_r is None and knobs.lora_alpha is None and knobs.lora_dropout is None:
        return None
    rank = knobs.lora_r or default_rank()
    adapter = {"type": "Lora", "lora_r": rank, "lora_alpha": knobs.lora_alpha or 2 * rank}
    dropout = {} if knobs.lora_dropout is None else {"lora_dropout": knobs.lora_dropout}
    return {**adapter, **dropout}

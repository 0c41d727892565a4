"""From a job to buy to the fields of the request that buys it, as an account takes them."""

from collections.abc import Mapping
from typing import Any

from tuneq_shared.capabilities import Capabilities
from tuneq_worker.ports.provider import JobSpec
from tuneq_worker.providers.openai.documents import PURCHASE_KEY

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512  # what metadata may hold


def order_of(spec: JobSpec, capabilities: Capabilities) -> dict[str, Any]:
    """The fields that are set; one that the account does not take is left out."""
    order: dict[str, Any] = {"model": spec.model, "training_file": spec.training_file}
    if spec.validation_file:
        order["validation_file"] = spec.validation_file
    if spec.seed is not None:
        order["seed"] = spec.seed
    if spec.suffix and capabilities.suffix_length:
        order["suffix"] = spec.suffix[: capabilities.suffix_length]
    if spec.purchase is not None and capabilities.metadata:
        order["metadata"] = _metadata(spec.purchase, spec.labels)
    return order | _training(spec, capabilities)


def _training(spec: JobSpec, capabilities: Capabilities) -> dict[str, Any]:
    kind = spec.method.type
    knobs = spec.method.hyperparameters.model_dump(exclude_none=True)
    if capabilities.hyperparameters_in == "job" and kind == "supervised":
        return {"hyperparameters": knobs} if knobs else {}
    own = {kind: {"hyperparameters": knobs}} if knobs else {}
    return {"method": {"type": kind, **own}}


def _metadata(purchase: str, given: Mapping[str, str]) -> dict[str, str]:
    labels = {key[:_MAX_KEY]: value[:_MAX_VALUE] for key, value in given.items()}
    labels.pop(PURCHASE_KEY, None)
    kept = dict(list(labels.items())[: _MAX_PAIRS - 1])
    return {PURCHASE_KEY: purchase, **kept}

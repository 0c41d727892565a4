"""The dialects that tuneq speaks: what each provider can do, as data. Sources: docs/accounts."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal
from urllib.parse import urlsplit

from tuneq_shared.capabilities import Capabilities

Dialect = Literal["openai", "nebius", "azure", "together", "fireworks"]

_ONE_FILE = 5 * 10**9  # sent in one request, whatever its size
_LORA_KNOBS = ("lora", "lora_r", "lora_alpha", "lora_dropout")

DIALECTS: Mapping[str, Capabilities] = {
    "openai": Capabilities(),
    "nebius": Capabilities(
        methods=("supervised",),
        hyperparameters=(
            *("n_epochs", "batch_size", "learning_rate", "warmup_ratio", "weight_decay"),
            *("max_grad_norm", "context_length", "packing"),
            *_LORA_KNOBS,
        ),
        hyperparameters_in="job",
        metadata=False,
        metadata_filter=False,
        pause=False,
        webhooks=False,
        batch=False,
        metrics="checkpoints",
        deployment=True,
        plain_file_bytes=_ONE_FILE,
        largest_file_bytes=_ONE_FILE,
    ),
    "azure": Capabilities(
        suffix_length=18,
        metadata_filter=False,
        batch=False,  # batches go to deployments of a kind of their own
        webhooks=False,
        deployment=True,
        deployment_idle_cost=True,
    ),
    "together": Capabilities(
        methods=("supervised",),
        hyperparameters=(
            *("n_epochs", "batch_size", "learning_rate", "warmup_ratio", "weight_decay"),
            *("max_grad_norm", "context_length", "packing"),
            *_LORA_KNOBS,
        ),
        suffix_length=12,  # the rest of it tells the purchase, in place of metadata
        metadata_filter=False,
        pause=False,
        webhooks=False,
        batch=False,
        deployment=True,
        deployment_idle_cost=True,
        plain_file_bytes=_ONE_FILE,
        largest_file_bytes=_ONE_FILE,
    ),
    "fireworks": Capabilities(
        methods=("supervised",),
        hyperparameters=(
            *("n_epochs", "batch_size", "learning_rate", "weight_decay", "context_length"),
            "lora_r",
        ),
        suffix_length=40,
        metadata=True,  # the purchase: in the job's id and in its display name
        metadata_filter=False,
        pause=False,
        webhooks=False,
        batch=False,
        deployment=True,
        deployment_idle_cost=True,
        plain_file_bytes=_ONE_FILE,
        largest_file_bytes=_ONE_FILE,
    ),
}
"""What is true of every account of a dialect."""

_HOSTS: Mapping[str, Mapping[str, Any]] = {
    "api.openai.com": {"end_date": date(2027, 1, 6)},
}
"""What is true of one server, but not of others that speak like it."""


def corrected(dialect: str, base_url: str, corrections: Mapping[str, Any]) -> dict[str, Any]:
    """A dialect's record with what is known of the server and then with a configuration's words.

    The result is not yet validated.
    """
    record = DIALECTS.get(dialect)
    known = _HOSTS.get(urlsplit(base_url).hostname or "", {}) if dialect == "openai" else {}
    return {**(record.model_dump() if record else {}), **known, **corrections}

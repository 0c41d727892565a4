"""Which adapter speaks which dialect."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from pydantic import SecretStr

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Provider

Builder = Callable[[str, Account, SecretStr, float], Provider]

ADAPTERS = {
    "openai": "tuneq_worker.providers.openai.adapter:plain_provider",
    "nebius": "tuneq_worker.providers.nebius.adapter:NebiusProvider",
    "azure": "tuneq_worker.providers.azure.adapter:AzureProvider",
    "together": "tuneq_worker.providers.together.adapter:TogetherProvider",
    "fireworks": "tuneq_worker.providers.fireworks.adapter:FireworksProvider",
}
"""Imported when first needed: some stand on SDKs that are installed as extras."""


def build_provider(
    name: str, account: Account, key: SecretStr, request_timeout_s: float
) -> Provider:
    """The account's adapter, safe to use from several threads.

    Args:
        name: The account's name, for error messages.
        account: Its profile; the dialect chooses the adapter.
        key: Its key.
        request_timeout_s: Seconds to connect, and between two signs of life of an answer.

    Raises:
        ConfigurationError: what the dialect stands on is not installed here, or an option of the
            account is wrong.
    """
    module, _, builder = ADAPTERS[account.dialect].partition(":")
    try:
        found = getattr(import_module(module), builder)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"account {name!r} speaks {account.dialect}, for which {error.name} is missing here",
            hint=f"install tuneq-worker[{account.dialect}] where the worker runs",
        ) from error
    return cast("Builder", found)(name, account, key, request_timeout_s)

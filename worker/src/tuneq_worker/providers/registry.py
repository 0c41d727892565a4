"""Which adapter speaks which dialect."""

from collections.abc import Callable

from pydantic import SecretStr

from tuneq_shared.settings import Account
from tuneq_worker.ports.provider import Provider
from tuneq_worker.providers.openai.adapter import OpenAIProvider

DIALECTS: dict[str, Callable[[str, Account, SecretStr, float], Provider]] = {
    "openai": OpenAIProvider,
}


def build_provider(
    name: str, account: Account, key: SecretStr, request_timeout_s: float
) -> Provider:
    """The account's adapter, safe to use from several threads.

    Args:
        name: The account's name, for error messages.
        account: Its profile; the dialect chooses the adapter.
        key: Its key.
        request_timeout_s: Seconds to connect, and between two signs of life of an answer.
    """
    return DIALECTS[account.dialect](name, account, key, request_timeout_s)

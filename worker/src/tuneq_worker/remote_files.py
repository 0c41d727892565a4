"""Whether a file is still at the provider."""

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import Provider, ProviderError


def is_gone(file_id: str, provider: Provider) -> bool:
    """Whether a file is not found.

    Raises:
        ProviderError: it cannot be told.
    """
    try:
        provider.file(file_id)
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return True
        raise
    return False

"""Ending what may have ended already: the same way at every provider."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import Job, ProviderError

_HAS_ENDED = frozenset({ErrorKind.BAD_REQUEST, ErrorKind.SERVER})  # perhaps: it is looked at


@contextmanager
def unless_gone() -> Iterator[None]:
    """Delete what may be gone: that it is not found is no error."""
    try:
        yield
    except ProviderError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise


def cancelled(cancel: Callable[[], Job], look: Callable[[], Job]) -> Job:
    """Cancel a job; one that has ended is answered as it is.

    Raises:
        ProviderError: the cancel was refused, and the job goes on.
    """
    try:
        return cancel()
    except ProviderError as error:
        if error.kind not in _HAS_ENDED:
            raise
        refusal = error
    job = look()
    if job.status.is_terminal:
        return job
    raise refusal

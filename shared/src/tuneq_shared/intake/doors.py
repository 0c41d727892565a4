"""What a request may name as a file, which depends on the door that it comes through."""

from typing import Protocol

from tuneq_shared.data_root import DataRoot
from tuneq_shared.errors import InvalidInputError
from tuneq_shared.references import ProviderFile, Reference


class Door(Protocol):
    """Where requests come in."""

    def admit(self, reference: Reference) -> Reference:
        """The file as the stored request is to name it.

        Raises:
            InvalidInputError: it may not be named here, or cannot be read.
            NotFoundError: it is not there.
        """


class ForeignDoor:
    """For requests of programs that share the data root at most: the gateway, the stream, the task.

    A plain path is refused: it would make a worker read a file of its own machine.
    """

    def __init__(self, data: DataRoot) -> None:
        self._data = data

    def admit(self, reference: Reference) -> Reference:
        """The same reference, once it was opened."""
        require_readable(reference, self._data)
        return reference


def require_readable(reference: Reference, data: DataRoot) -> None:
    """Open a file once; the provider's own files are believed.

    Raises:
        InvalidInputError: it may not be named, or cannot be read.
        NotFoundError: it is not there.
    """
    if isinstance(reference, ProviderFile):
        return
    try:
        data.open(reference).close()
    except OSError as error:
        reason = error.strerror or error
        raise InvalidInputError(
            f"{reference} cannot be read: {reason}", hint="name a file that can be read here"
        ) from error

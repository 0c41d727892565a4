"""Ports that tell of every side effect, before and after it, to somebody who may end it all there.

In one process that is an exception, in the fault bench a signal.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO, Protocol

from tuneq_shared.data_root import DataRoot

BATCHES = frozenset({"create_batch", "upload_requests", "cancel_batch", "delete_file"})
ITEMS = frozenset({"save", "commit", "join", "create", "ask", "wake", "leave", "revive"})
SLOTS = frozenset({"observe"})
CALLS = frozenset({"create_job", "upload", "cancel_job", *BATCHES, "deploy", "remove_deployment"})


class Death(Protocol):
    """Is told."""

    def strikes(self, name: str, *args: Any) -> AbstractContextManager[None]:
        """Around a side effect."""


class Mortal:
    """A port some of whose calls are deadly."""

    def __init__(self, inner: Any, death: Death, deadly: frozenset[str]) -> None:
        self._inner = inner
        self._death = death
        self._deadly = deadly

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name not in self._deadly:
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            if args == ([],):  # of nothing there is no effect
                return attribute(*args, **kwargs)
            with self._death.strikes(name, *args):
                return attribute(*args, **kwargs)

        return call


class MortalData(DataRoot):
    """A data root that is deadly to write."""

    def __init__(self, url: str, death: Death) -> None:
        super().__init__(url)
        self._death = death

    @contextmanager
    def write(self, path: str) -> Iterator[BinaryIO]:
        with self._death.strikes("write", path), super().write(path) as file:
            yield file

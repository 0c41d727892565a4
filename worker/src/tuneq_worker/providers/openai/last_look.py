"""A last look before the bytes of a request go: what has been sent is not taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import httpx2

from tuneq_worker.ports.check import Check

_SENDS = ("send_request_headers.started", "send_request_body.started")

_check: ContextVar[Check | None] = ContextVar("check", default=None)


class Look:
    """A check that remembers its objection: some SDKs take it for a connection that failed."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.objection: Exception | None = None

    def __call__(self) -> None:
        """Make the check."""
        try:
            self._check()
        except Exception as objection:
            self.objection = objection
            raise


@contextmanager
def checked(check: Check | None) -> Iterator[None]:
    """What this thread sends in the block goes out only if the check, made last, does not raise."""
    before = _check.set(check)
    try:
        yield
    finally:
        _check.reset(before)


def look_last(request: httpx2.Request) -> None:
    """A client's hook: the check waits until a connection is there and the bytes are ready."""
    check = _check.get()
    if check is not None:
        request.extensions = {**request.extensions, "trace": partial(_trace, check)}


def _trace(check: Check, event: str, _details: dict[str, Any]) -> None:
    if event.endswith(_SENDS):
        check()

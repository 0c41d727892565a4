"""SIGTERM and SIGINT while a stack runs: the first stops it cleanly, the second kills it."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from tuneq_sandbox.stack.stack import Stack

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequestedError(BaseException):
    """The user asked for the end; not an Exception, so that nothing on the way swallows it."""


class Signals:
    """SIGTERM and SIGINT ask for the end; while the stack is stopping, they kill it."""

    def __init__(self, stack: Stack) -> None:
        self.stopping = False
        self._stack = stack
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._former = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            self._stack.kill()
            return
        self.stopping = True
        raise StopRequestedError

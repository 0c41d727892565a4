"""Whether Celery still brings a worker the messages that wait for it.

A worker whose consumer went quiet after the loss of its connection looks alive and does nothing
until somebody starts it anew (known of Celery on Redis: celery issues 8030, 8091, 10302). So it
listens to itself, and starts anew by itself.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

DEAF_AFTER_S = 120.0
"""Far longer than Celery waits between two tries to connect (32 s at most)."""
_HAND_BACK_S = 20.0
_LOOK_S = 0.1


@dataclass(slots=True, kw_only=True)
class Hearing:
    """Watches a worker from beside its consumer."""

    waiting: Callable[[], int]  # messages in its queues
    begun: Callable[[], int]  # tasks that it has begun, ever
    in_hand: Callable[[], int]  # tasks that it works on
    concurrency: int
    _since: float | None = None  # monotonic
    _begun_then: int = 0

    def is_deaf(self, now: float) -> bool:
        """Whether for long, at every look, messages waited, threads were idle and none began."""
        begun = self.begun()
        waits_idly = self.waiting() > 0 and self.in_hand() < self.concurrency
        if not waits_idly:
            self._since = None
        elif self._since is None or begun != self._begun_then:
            self._since = now
        self._begun_then = begun
        return self._since is not None and now - self._since >= DEAF_AFTER_S

    def forget(self) -> None:
        """Begin the watch anew: for a while nothing could be seen."""
        self._since = None


def start_anew(stop: Callable[[], None], in_hand: Callable[[], int]) -> None:
    """Hand back what is in hand, then become a new process by the same command, with the same id.

    What is not handed back in time is due again when its lease has run out.
    """
    log.critical("Celery brings no messages although some wait: this worker starts anew")
    stop()
    deadline = time.monotonic() + _HAND_BACK_S
    while in_hand() and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - our own command

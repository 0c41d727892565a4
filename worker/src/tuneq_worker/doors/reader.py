"""The thread in every run worker that takes requests off the stream."""

import logging
import threading

from redis.exceptions import RedisError

from tuneq_shared.errors import DataRootError, RedisUnreachableError
from tuneq_worker.doors.taking import RequestTaker

log = logging.getLogger(__name__)

_FORGET_EVERY = 240
_FORGOTTEN_AFTER_S = 600.0
_MAX_WAIT_S = 30.0
_JOIN_S = 5.0


class RequestReader(threading.Thread):
    """Takes requests in until it is stopped; trouble of our own is waited out."""

    def __init__(self, taker: RequestTaker, *, interval_s: float = 0.25) -> None:
        """A reader that looks so often while there is nothing to do."""
        super().__init__(name="tuneq-requests", daemon=True)
        self._taker = taker
        self._interval_s = interval_s
        self._done = threading.Event()

    def run(self) -> None:
        """Until stopped."""
        wait_s, troubles, looks = 0.0, 0, 0
        while not self._done.wait(wait_s):
            try:
                if looks == 0:
                    self._begin()
                elif looks % _FORGET_EVERY == 0:
                    self._taker.stream.forget(_FORGOTTEN_AFTER_S)
                taken = self._taker.take_in(self._done.is_set)
                wait_s = 0.0 if taken else self._interval_s
                looks, troubles = looks + 1, 0
                continue
            except (RedisError, RedisUnreachableError, DataRootError, OSError) as error:
                log.warning("requests on the stream wait: %s", error)
            except Exception:  # without this thread requests would wait for ever
                log.exception("a fault in the reader of requests")
            looks, troubles = 0, troubles + 1
            wait_s = min(2.0 ** (troubles - 1), _MAX_WAIT_S)

    def stop(self) -> None:
        """Finish the entry in hand, settle what was created, give the rest to other readers.

        What takes long is left as at any kill: others take it over later.
        """
        self._done.set()
        self.join(_JOIN_S)
        if self.is_alive():
            log.warning("the reader of requests is busy; what it holds is taken over later")
            return
        try:
            self._taker.stream.leave()
        except RedisError as error:
            log.warning("what the reader of requests held is taken over later: %s", error)

    def _begin(self) -> None:
        """Leave to others what is held from before; take nothing while the data root is away."""
        self._taker.stream.give_back()
        self._taker.data.settle(self._taker.fleet)

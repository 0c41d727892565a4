"""The dispatcher: turns due items into Celery messages, and never more than workers can take."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from tuneq_shared.domain.item import ItemId, Queue
from tuneq_shared.errors import RedisUnreachableError
from tuneq_shared.ports.fleet import LOST_AFTER_S, Fleet, WorkerInfo
from tuneq_shared.ports.items import ItemStore
from tuneq_worker.hearing import Hearing
from tuneq_worker.stage_table import STAGES

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
_LOOK_S = 1.0
_TROUBLED_S = 1.0
_HINTS_PER_CONSUMER = 4
_FASTER_WHEN_BUSY = 5  # where items were due, more may be: queues stay short, so look again soon

Hint = Callable[[str, ItemId], None]
"""Enqueues a task, by its name, for an item."""


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """Ticks in every run worker; marking items is atomic, so any number may tick at once."""

    items: ItemStore
    fleet: Fleet
    backlog: Callable[[Queue], int]  # messages that wait in a queue
    hint: Hint
    window_s: float  # after which an item whose hint was lost is hinted at again
    consumers: dict[Queue, int] = field(default_factory=dict)

    def tick(self) -> int:
        """Hint at what is due, as far as the queues have room; answers how many."""
        hinted = 0
        for queue, consumers in self.consumers.items():
            room = consumers * _HINTS_PER_CONSUMER - self.backlog(queue)
            if room <= 0:
                continue
            for item, stage in self._due(queue, room):
                known = STAGES.get((item.kind, stage))
                if known is None:
                    log.warning("%s is %s, which is unknown here: update this worker", item, stage)
                    continue
                self.hint(known[0], item)
                hinted += 1
        return hinted

    def _due(self, queue: Queue, limit: int) -> list[tuple[ItemId, str]]:
        if queue is Queue.EVALUATION:
            return self.items.due_shards(limit, self.consumers[queue], self.window_s)
        return self.items.due(queue, limit, self.window_s)

    def look_around(self) -> None:
        """Count the consumers of each queue among the workers that live."""
        now = self.fleet.now()
        counts = dict.fromkeys(Queue, 0)
        for worker in self.fleet.workers():
            if now - worker.seen_at < LOST_AFTER_S:
                for queue in worker.queues:
                    counts[queue] += worker.concurrency
        self.consumers = counts


class Pulse(threading.Thread):
    """A worker's own thread: heartbeats, and in run workers the dispatcher's ticks."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        worker: WorkerInfo,
        hearing: Hearing,
        start_anew: Callable[[], None],
        *,
        dispatches: bool,
        interval_s: float,
    ) -> None:
        super().__init__(name="tuneq-pulse", daemon=True)
        self._hearing = hearing
        self._start_anew = start_anew
        self._dispatcher = dispatcher
        self._worker = worker
        self._dispatches = dispatches
        self._interval_s = interval_s
        self._done = threading.Event()
        self._beat_at = self._look_at = 0.0  # monotonic

    def run(self) -> None:
        """Until stopped; Redis being away is waited out."""
        pause = 0.0
        while not self._done.wait(pause):
            try:
                pause = self._turn(time.monotonic())
            except (RedisError, RedisUnreachableError, OSError) as error:
                log.warning("Redis is away, the dispatcher waits: %s", error)
                self._hearing.forget()
                pause = _TROUBLED_S
            except Exception:  # without its pulse a worker is taken for lost
                log.exception("a fault in the dispatcher")
                pause = _TROUBLED_S

    def _turn(self, now: float) -> float:
        """Do what is to be done by now; answers the seconds until the next turn."""
        if now >= self._beat_at:
            self._dispatcher.fleet.heartbeat(self._worker)
            self._beat_at = now + HEARTBEAT_S
            if self._hearing.is_deaf(now):
                self._start_anew()
        if not self._dispatches:
            return HEARTBEAT_S
        if now >= self._look_at:
            self._dispatcher.look_around()
            self._look_at = now + _LOOK_S
        hinted = self._dispatcher.tick()
        return self._interval_s / _FASTER_WHEN_BUSY if hinted else self._interval_s

    def stop(self) -> None:
        """End the thread and say farewell."""
        self._done.set()
        self.join()
        try:
            self._dispatcher.fleet.farewell(self._worker.name)
        except RedisError as error:
            log.warning("no farewell, Redis is away: %s", error)

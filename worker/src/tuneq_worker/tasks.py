"""The Celery tasks: one a stage, each a plain step of the item it is given."""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from celery import Celery
from celery.exceptions import Reject
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from tuneq_shared.domain.item import ItemId
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.requests import send_request
from tuneq_worker.bootstrap import World
from tuneq_worker.doors.sending import request_bytes
from tuneq_worker.stage_table import STAGES
from tuneq_worker.steps import step

log = logging.getLogger(__name__)

SUBMIT = "tuneq.submit"
"""The task for other Celery applications: its one argument is a request."""

_PATIENCE_S = 1.0  # so that what cannot be written is not tried a thousand times a second


def register(app: Celery, world: Callable[[], World]) -> None:
    """Register every stage's task; the world is made when the first of them runs."""

    def work(item: str) -> None:
        item_id = ItemId.parse(item)
        following = step(world().ports, item_id)
        if following is not None:
            hint(app, following, item_id)

    for name, _ in STAGES.values():
        app.task(name=name)(work)

    @cache
    def client() -> Redis:
        return connect(world().settings.redis_url)

    def submit(*args: Any, **kwargs: Any) -> None:
        try:
            send_request(client(), world().settings.key_prefix, request_bytes(args, kwargs))
        except RedisError as error:
            # Back to its queue, which is on the same Redis: there it waits for better times.
            time.sleep(_PATIENCE_S)
            raise Reject(f"a request waits: {error}", requeue=True) from error

    app.task(name=SUBMIT)(submit)


def hint(app: Celery, task: str, item: ItemId) -> None:
    """Enqueue a task for an item. A hint that is lost costs time only: the item stays due."""
    try:
        app.send_task(task, args=[str(item)], queue=item.queue.value, retry=False)
    except OperationalError as error:
        log.warning("%s was not hinted at, the dispatcher will: %s", item, error)

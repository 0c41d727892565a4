"""The Celery tasks: one a stage, each a plain step of the item it is given."""

import logging
from collections.abc import Callable

from celery import Celery
from kombu.exceptions import OperationalError

from tuneq_shared.domain.item import ItemId
from tuneq_worker.bootstrap import World
from tuneq_worker.stage_table import STAGES
from tuneq_worker.steps import step

log = logging.getLogger(__name__)


def register(app: Celery, world: Callable[[], World]) -> None:
    """Register every stage's task; the world is made when the first of them runs."""

    def work(item: str) -> None:
        item_id = ItemId.parse(item)
        following = step(world().ports, item_id)
        if following is not None:
            hint(app, following, item_id)

    for name, _ in STAGES.values():
        app.task(name=name)(work)


def hint(app: Celery, task: str, item: ItemId) -> None:
    """Enqueue a task for an item. A hint that is lost costs time only: the item stays due."""
    try:
        app.send_task(task, args=[str(item)], queue=item.queue.value, retry=False)
    except OperationalError as error:
        log.warning("%s was not hinted at, the dispatcher will: %s", item, error)

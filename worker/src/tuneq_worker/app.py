"""The Celery application: settings as measured for Redis, the tasks, the pulse of the worker."""

import logging
import ssl
import time
from abc import abstractmethod
from functools import cache
from importlib.metadata import version
from typing import Any

from celery import Celery, bootsteps
from celery.worker import state
from redis.exceptions import RedisError

from tuneq_shared.domain.item import Queue
from tuneq_shared.errors import TuneqError
from tuneq_shared.ports.fleet import WorkerInfo
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.requests import RedisRequestStream
from tuneq_shared.settings import Settings, load_settings
from tuneq_shared.wire import celery_prefix
from tuneq_worker.bootstrap import World
from tuneq_worker.dispatch import Dispatcher, Pulse
from tuneq_worker.doors.reader import RequestReader
from tuneq_worker.doors.taking import RequestTaker
from tuneq_worker.evaluation.scorers import own_names
from tuneq_worker.hearing import Hearing, start_anew
from tuneq_worker.model_watch import ModelWatch
from tuneq_worker.retention.housekeeping import Housekeeper
from tuneq_worker.tasks import hint, register

log = logging.getLogger(__name__)

_CONCURRENCY = 8  # tasks wait for the network most of the time
_VISIBILITY_S = 6 * 3600  # a message lost to a dead worker is not waited for: its item is due
_REDIS_PATIENCE_S = 60.0
# A line a request tells nobody much; and at DEBUG these tell paths that a request names, the
# headers of answers, or signatures.
_CHATTY = (
    *("celery.app.trace", "celery.worker.strategy"),
    *("httpx2", "httpcore2", "httpx", "httpcore", "aiohttp", "asyncio", "fireworks", "together"),
    *("fsspec", "s3fs", "boto3", "botocore", "aiobotocore", "urllib3"),
)


@cache
def world() -> World:
    """This process's world, from the configuration."""
    return World(load_settings())


def make_app(settings: Settings) -> Celery:
    """The application of a configuration."""
    app = Celery("tuneq", broker=settings.redis_url, set_as_current=False)
    if settings.redis_url.startswith("rediss://") and "ssl_cert_reqs" not in settings.redis_url:
        # Celery alone would encrypt without looking at the server's certificate.
        app.conf.broker_use_ssl = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,  # Redis may be away for longer than any number
        broker_connection_retry_on_startup=True,
        broker_transport="tuneq_worker.broker:Transport",
        broker_transport_options={
            "global_keyprefix": celery_prefix(settings.key_prefix),
            "health_check_interval": 10,
            "socket_keepalive": True,
            "socket_timeout": 30,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "visibility_timeout": _VISIBILITY_S,
        },
        task_acks_late=True,
        task_default_queue=Queue.RUNS.value,
        task_ignore_result=True,
        task_reject_on_worker_lost=False,
        task_serializer="json",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_concurrency=_CONCURRENCY,
        worker_pool="threads",
        worker_prefetch_multiplier=1,
    )
    register(app, world)
    app.steps["worker"].update({PulseStep, DoorStep, HousekeepingStep, ModelsStep})
    return app


class PulseStep(bootsteps.StartStopStep):
    """Checks the data root, then keeps the worker's pulse until it stops."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._pulse: Pulse | None = None

    def start(self, parent: Any) -> None:
        """Refuse to start on another data root than the producers'."""
        for chatty in _CHATTY:
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self._settle()
        this = world()
        queues = tuple(
            queue for queue in Queue if queue.value in parent.app.amqp.queues.consume_from
        )
        accounts = this.accounts.health()
        for trouble in filter(None, accounts.values()):
            log.warning("%s; its runs wait for a worker that has it", trouble)
        worker = WorkerInfo(
            name=parent.hostname,
            queues=queues,
            concurrency=parent.concurrency,
            accounts=accounts,
            version=version("tuneq-worker"),
            scorers=own_names(this.settings),
        )
        dispatcher = _dispatcher(parent.app, this)
        self._pulse = Pulse(
            dispatcher,
            worker,
            Hearing(
                waiting=lambda: sum(map(dispatcher.backlog, queues)),
                begun=lambda: state.all_total_count[0],
                in_hand=_in_hand,
                concurrency=parent.concurrency,
            ),
            lambda: start_anew(this.ports.stopping.set, _in_hand),
            dispatches=Queue.RUNS in queues,
            interval_s=this.settings.dispatch_interval_s,
        )
        self._pulse.start()

    def stop(self, parent: Any) -> None:
        """Say farewell, and let what is in hand be handed back."""
        del parent
        world().ports.stopping.set()
        if self._pulse is not None:
            self._pulse.stop()
            self._pulse = None

    terminate = stop

    @staticmethod
    def _settle() -> None:
        this, begun = world(), time.monotonic()
        while True:
            try:
                this.ports.data.settle(this.fleet)
            except TuneqError as error:
                log.critical("%s; %s", error.message, error.hint)
                raise SystemExit(error.exit_code) from error
            except RedisError as error:
                if time.monotonic() - begun > _REDIS_PATIENCE_S:
                    log.critical("Redis cannot be reached: %s", error)
                    raise SystemExit(3) from error
                log.warning("Redis is away, the worker waits: %s", error)
                time.sleep(1.0)
            else:
                return


class _RunWorkerStep(bootsteps.StartStopStep):
    """A thread of its own in every run worker; evaluators do without."""

    requires = (PulseStep,)  # which has checked the data root

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._thread: RequestReader | Housekeeper | ModelWatch | None = None

    @abstractmethod
    def _make(self, parent: Any) -> RequestReader | Housekeeper | ModelWatch: ...

    def start(self, parent: Any) -> None:
        """Begin, in run workers."""
        if Queue.RUNS.value in parent.app.amqp.queues.consume_from:
            self._thread = self._make(parent)
            self._thread.start()

    def stop(self, parent: Any) -> None:
        """Leave to others what is not begun."""
        del parent
        world().ports.stopping.set()  # first: the tasks in hand do not wait for this one
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    terminate = stop


class DoorStep(_RunWorkerStep):
    """Takes in the requests of other programs until the worker stops."""

    def _make(self, parent: Any) -> RequestReader:
        return RequestReader(_taker(world(), parent.hostname))


class HousekeepingStep(_RunWorkerStep):
    """Archives old runs now and then until the worker stops."""

    def _make(self, parent: Any) -> Housekeeper:
        del parent
        return Housekeeper(world().ports, world().fleet)


class ModelsStep(_RunWorkerStep):
    """Tells now and then which models end until the worker stops."""

    def _make(self, parent: Any) -> ModelWatch:
        del parent
        return ModelWatch(world().ports, world().fleet)


def _taker(this: World, name: str) -> RequestTaker:
    client, prefix = connect(this.settings.redis_url), this.settings.key_prefix
    return RequestTaker(
        stream=RedisRequestStream(client, prefix, name, longest=this.settings.max_request_bytes),
        items=this.ports.items,
        catalogue=this.ports.catalogue,
        data=this.ports.data,
        fleet=this.fleet,
        settings=this.settings,
    )


def _in_hand() -> int:
    return len(state.active_requests)


def _dispatcher(app: Celery, this: World) -> Dispatcher:
    client: Any = connect(this.settings.redis_url)
    prefix = celery_prefix(this.settings.key_prefix)
    return Dispatcher(
        items=this.ports.items,
        fleet=this.fleet,
        backlog=lambda queue: int(client.llen(f"{prefix}{queue.value}")),
        hint=lambda task, item: hint(app, task, item),
        window_s=this.settings.lease_s,
    )


app = make_app(world().settings)

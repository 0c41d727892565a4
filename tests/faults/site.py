"""Where a row takes place: Redis, the provider and workers as processes, and a producer."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from pydantic import SecretStr
from tests.faults.stuck import StuckError, describe
from tests.faults.workers import Workers
from tests.sandbox.provider_server import KEY, ProviderServer, chat_lines

from tuneq_producer.client import Client, open_client
from tuneq_producer.submission.door import ClientDoor
from tuneq_sandbox.redis_server import EmbeddedRedis
from tuneq_sandbox.stack.configuration import KEY_NAME, account_options
from tuneq_shared.dialects import Dialect
from tuneq_shared.domain.item import ItemId, Kind, Queue
from tuneq_shared.domain.lifecycle import is_terminal
from tuneq_shared.domain.record import Record, load
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.domain.run import Run
from tuneq_shared.intake.accept import accept
from tuneq_shared.ports.items import Creation
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.wire import celery_prefix
from tuneq_worker.ports.provider import Provider
from tuneq_worker.providers.registry import build_provider

LOOK_S = 0.1
LEASE_S, POLL_S = 3.0, 0.3
REQUEST_TIMEOUT_S = 2.0
TRAINING_LINES, EVALUATION_LINES = 60, 40
_WIRING = threading.Lock()  # rows may be played side by side


class Site:
    """All processes of a row, in a folder, until the block ends."""

    def __init__(
        self,
        folder: Path,
        *,
        lease_s: float = LEASE_S,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        max_active_jobs: int | None = None,
        metadata: bool | None = None,
        dialect: Dialect = "openai",
        **provider: Any,
    ) -> None:
        self.folder = folder
        self.redis = EmbeddedRedis(folder / "redis")
        cap = {"max_active_jobs": max_active_jobs} if max_active_jobs else {}
        self.provider = ProviderServer(folder / "provider", dialect=dialect, **provider, **cap)
        self._lease_s, self._timeout_s = lease_s, request_timeout_s
        self._cap, self._metadata, self._dialect = max_active_jobs, metadata, dialect
        self.runs: list[str] = []

    def __enter__(self) -> Self:
        self.redis.start()
        try:
            self.provider.start()
        except BaseException:
            self.redis.stop()
            raise
        self.workers = Workers(self._configured(), self.folder / "logs")
        self.raw = connect(self.redis.url)
        self.client = self._producer()
        (self.folder / "train.jsonl").write_bytes(chat_lines(TRAINING_LINES))
        (self.folder / "test.jsonl").write_bytes(chat_lines(EVALUATION_LINES, offset=1000))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.workers.kill_all()
        self.provider.kill()
        self.raw.close()
        self.redis.child.kill()
        self.redis.stop()

    def submit(self, requests: Iterable[FineTuneRequest]) -> list[str]:
        """Create a run for each request, none of which was seen before; gives their ids."""
        door = ClientDoor(self.client.data, self.folder)
        new = [accept(request, self.client.settings, door) for request in requests]
        door.stage()
        answers = self.client.items.create(new)
        assert set(answers) == {Creation.CREATED}, Counter(answers)
        ids = [item.item.key for item in new]
        self.runs += ids
        return ids

    def records(self, ids: Iterable[str]) -> list[Record]:
        found = self.client.catalogue.read([ItemId(Kind.RUN, run) for run in ids])
        return [record for record in found if record is not None]

    def look(self, ids: Iterable[str]) -> list[Run]:
        return [load(record, Run) for record in self.records(ids)]

    def account(self) -> Provider:
        """The provider as a worker speaks to it."""
        name, account = self.client.settings.account(None)
        return build_provider(name, account, SecretStr(KEY), 20.0)

    def all_removed(self) -> bool:
        """Whether nothing is deployed any more."""
        return all(each["removed_at"] for each in self.provider.books()["deployments"])

    def ended(self) -> int:
        """How many runs have."""
        counts = self.client.catalogue.counts()
        return sum(n for stage, n in counts.items() if is_terminal(Kind.RUN, stage))

    def all_ended(self) -> bool:
        return self.ended() == len(self.runs)

    def await_that(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for what must come.

        Raises:
            StuckError: it did not in time, or a worker ended by itself; tells how things stand.
        """
        end = time.monotonic() + self.patience_s
        while True:
            fallen = any(worker.child.returncode is not None for worker in self.workers.living)
            if condition():
                return
            if fallen or time.monotonic() > end:
                why = "a worker ended by itself" if fallen else f"waited {self.patience_s:.0f} s"
                raise self.stuck(f"{why}: {what}")
            time.sleep(LOOK_S)

    def stuck(self, why: str) -> StuckError:
        """What to raise where nothing goes on."""
        return StuckError(f"{why}\n{describe(self.raw, self.client, self.workers.living)}")

    def await_end(self) -> None:
        """Wait until all runs have ended."""
        self.await_that("all runs should end", self.all_ended)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Look for at most so long; answers whether it is so."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(LOOK_S)
        return True

    @property
    def patience_s(self) -> float:
        """Far more than so many runs take."""
        return 60.0 + 3.0 * max(0, len(self.runs) - 12)

    def queued(self, queue: Queue) -> int:
        """Celery's messages that wait."""
        return int(self.raw.llen(self.queue_key(queue)))

    def queue_key(self, queue: Queue) -> str:
        return f"{celery_prefix(self.client.settings.key_prefix)}{queue.value}"

    def kill_redis(self) -> None:
        """kill -9, and nothing serves any more."""
        self.redis.child.kill()
        assert self.until(lambda: self.redis.child.returncode is not None, 10.0)
        self.redis.release()

    def _producer(self) -> Client:
        found = {"TUNEQ_CONFIG": str(self.folder / "tuneq.toml")}
        opened = patch("tuneq_producer.client.connect", lambda _: self.raw)
        with _WIRING, patch.dict(os.environ, found), opened:
            client = open_client()
        client.data.settle(client.fleet)
        return client

    def _configured(self) -> Path:
        (self.folder / KEY_NAME).write_text(KEY)
        kept = json.dumps(self._metadata)
        told = self._metadata is not None
        marks = f"[accounts.sandbox.capabilities]\nmetadata = {kept}\n" if told else ""
        config = self.folder / "tuneq.toml"
        cap = f"max_active_jobs = {self._cap}\n" if self._cap else ""
        config.write_text(
            f"redis_url = {json.dumps(self.redis.url)}\n"
            'data_url = "./data"\ndefault_account = "sandbox"\n'
            f"lease_s = {self._lease_s}\nrequest_timeout_s = {self._timeout_s}\n"
            f"purchase_grace_s = {self._lease_s + 3 * self._timeout_s}\n"
            f"[accounts.sandbox]\nbase_url = {json.dumps(self.provider.url)}\n"
            f'dialect = "{self._dialect}"\napi_key_file = "./{KEY_NAME}"\n'
            f"[accounts.sandbox.options]\n{account_options(self.provider.url, self._dialect)}"
            f"{marks}[accounts.sandbox.limits]\npoll_interval_s = {POLL_S}\n{cap}"
        )
        return config

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.worker.fakes import World

from tuneq_shared.domain.item import ItemId
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, Renewal
from tuneq_worker.lease import ClaimLease

SECONDS = 60.0


@pytest.fixture
def world(redis_url: str, store_prefix: str, tmp_path: Path) -> World:
    return World(redis_url, store_prefix, tmp_path)


class ScriptedStore:
    """Only renews: each answer in turn, the last again and again."""

    def __init__(self, *answers: Asked | Exception | None) -> None:
        self.answers = list(answers)
        self.renewed = threading.Semaphore(0)
        self.seconds: list[float] = []

    def renew(self, _claim: Claim, seconds: float) -> Renewal:
        self.seconds.append(seconds)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.renewed.release()
        if isinstance(answer, Exception):
            raise answer
        return Renewal(float(len(self.seconds)), answer)


def claimed(world: World) -> tuple[ItemId, Claim]:
    item = world.submit()
    claim = world.ports.items.claim(item, SECONDS)
    assert claim is not None
    return item, claim


def scripted(world: World, *answers: Asked | Exception | None) -> tuple[Any, ClaimLease[Run]]:
    _, claim = claimed(world)
    store: Any = ScriptedStore(*answers)
    return store, ClaimLease(store, claim, 0.003, threading.Event())


def renewals(store: Any, count: int) -> None:
    for _ in range(count):
        assert store.renewed.acquire(timeout=10)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_it_is_renewed_while_the_block_lasts(world: World) -> None:
    store, lease = scripted(world, None)
    with lease.kept():
        renewals(store, 5)
        assert lease.wanted
    assert not [t for t in threading.enumerate() if t.name == "lease-keeper"]


def test_a_lost_lease_is_no_longer_wanted(world: World) -> None:
    store, lease = scripted(world, None, StaleClaimError("lost"))
    with lease.kept():
        renewals(store, 2)
        wait_until(lambda: not lease.wanted)


def test_a_cancel_is_heard_while_at_work(world: World) -> None:
    store, lease = scripted(world, None, Asked.CANCEL)
    with lease.kept():
        renewals(store, 3)
        assert not lease.wanted


def test_redis_being_away_for_a_while_does_not_end_the_keeping(world: World) -> None:
    store, lease = scripted(world, None, RedisConnectionError("away"), OSError("away"), None)
    with lease.kept():
        renewals(store, 5)
        assert lease.wanted


def test_a_worker_that_stops_wants_no_more(world: World) -> None:
    _, claim = claimed(world)
    stopping = threading.Event()
    lease = ClaimLease[Run](world.ports.items, claim, SECONDS, stopping)
    assert lease.wanted
    stopping.set()
    assert not lease.wanted


def test_a_block_that_is_short_costs_no_renewal(world: World) -> None:
    _, claim = claimed(world)
    store: Any = ScriptedStore(None)
    with ClaimLease[Run](store, claim, SECONDS, threading.Event()).kept():
        pass
    assert store.seconds == []


def test_renewing_never_shortens_the_usual_lease(world: World) -> None:
    _, claim = claimed(world)
    store: Any = ScriptedStore(None)
    lease = ClaimLease[Run](store, claim, SECONDS, threading.Event())
    lease.renew(5.0)
    lease.renew(500.0)
    assert store.seconds == [SECONDS, 500.0]
    assert lease.now == 2.0, "Redis time as of the last renewal"


def test_what_is_saved_stands_in_the_store(world: World) -> None:
    item, claim = claimed(world)
    lease = ClaimLease[Run](world.ports.items, claim, SECONDS, threading.Event())
    assert (lease.asked, lease.slot, lease.token) == (None, False, 1)
    run = world.a_run(RunStage.SUBMITTED, world.run(item).request, job_id="job-7")
    assert lease.saved is None
    lease.save(run)
    assert lease.saved == run
    assert world.run(item).job_id == "job-7"


@pytest.fixture(autouse=True)
def no_thread_dies_unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    died: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    yield
    assert not died

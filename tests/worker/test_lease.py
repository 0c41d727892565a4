import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.worker.fakes import World

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage, UploadStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import StaleClaimError
from tuneq_shared.ports.items import Asked, Claim, Renewal
from tuneq_worker.lease import ClaimLease, elapsed_s
from tuneq_worker.stage_table import ITEM_TYPES
from tuneq_worker.stages.create import create
from tuneq_worker.stages.transfer import send

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
    return store, ClaimLease(store, claim, 0.003, threading.Event(), since=elapsed_s())


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


def test_a_longer_lease_is_not_shortened(world: World) -> None:
    store, lease = scripted(world, None)
    with lease.kept():
        lease.renew(100.0)
        renewals(store, 5)
    assert min(store.seconds[store.seconds.index(100.0) :]) > 90


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
    lease = ClaimLease[Run](world.ports.items, claim, SECONDS, stopping, since=elapsed_s())
    assert lease.wanted
    stopping.set()
    assert not lease.wanted


def test_a_block_that_is_short_costs_no_renewal(world: World) -> None:
    _, claim = claimed(world)
    store: Any = ScriptedStore(None)
    with ClaimLease[Run](store, claim, SECONDS, threading.Event(), since=elapsed_s()).kept():
        pass
    assert store.seconds == []


def test_renewing_never_shortens_the_usual_lease(world: World) -> None:
    _, claim = claimed(world)
    store: Any = ScriptedStore(None)
    lease = ClaimLease[Run](store, claim, SECONDS, threading.Event(), since=elapsed_s())
    lease.renew(5.0)
    lease.renew(500.0)
    assert store.seconds == [SECONDS, 500.0]
    assert lease.now == 2.0, "Redis time as of the last renewal"


def test_what_is_saved_stands_in_the_store(world: World) -> None:
    item, claim = claimed(world)
    lease = ClaimLease[Run](world.ports.items, claim, SECONDS, threading.Event(), since=elapsed_s())
    assert (lease.asked, lease.slot, lease.token) == (None, False, claim.token)
    run = world.a_run(RunStage.SUBMITTED, world.run(item).request, job_id="job-7")
    assert lease.saved is None
    lease.save(run)
    assert lease.saved == run
    assert world.run(item).job_id == "job-7"


class Frozen:
    """A store and a clock: the process is stopped for long as soon as something is saved."""

    def __init__(self, items: Any) -> None:
        self._items = items
        self.now = 100.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)

    def save(self, *args: Any) -> None:
        self._items.save(*args)
        self.now += 10 * SECONDS


def test_it_is_required_by_the_clock_since_before_it_was_asked_for(world: World) -> None:
    _, claim = claimed(world)
    store: Any = ScriptedStore(None)
    clock = iter([101.0, 159.0, 160.0, 170.0, 229.0, 230.0])
    lease = ClaimLease[Run](
        store, claim, SECONDS, threading.Event(), since=100.0, clock=lambda: next(clock)
    )
    lease.require()
    with pytest.raises(StaleClaimError, match="nothing was sent"):
        lease.require()
    lease.renew(SECONDS)
    lease.require()
    with pytest.raises(StaleClaimError):
        lease.require()


@pytest.mark.parametrize(
    ("kind", "stage", "function", "call"),
    [
        (Kind.RUN, RunStage.CREATING, create, "create_job"),
        (Kind.UPLOAD, UploadStage.PENDING, send, "upload"),
    ],
)
def test_a_worker_that_stood_still_after_it_wrote_down_what_it_sends_does_not_send_it(
    world: World, kind: Kind, stage: str, function: Any, call: str
) -> None:
    item = world.submit()
    world.drive(lambda: stage in [each.stage for each in world.items_of(kind)])
    world.let_time_pass()
    claim = world.ports.items.claim(world.items_of(kind)[0].item, SECONDS)
    assert claim is not None
    frozen = Frozen(world.ports.items)
    store: Any = frozen
    lease = ClaimLease[Any](
        store,
        claim,
        SECONDS,
        threading.Event(),
        since=frozen.now,
        clock=lambda: frozen.now,
    )
    with pytest.raises(StaleClaimError, match="nothing was sent"):
        function(load(claim.record, ITEM_TYPES[kind]), world.ports, lease)
    assert world.provider.count(call) == 0
    world.drive_to_end(item)
    assert world.provider.count(call) == 1


@pytest.fixture(autouse=True)
def no_thread_dies_unseen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    died: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    yield
    assert not died

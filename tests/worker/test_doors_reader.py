"""The thread that reads the request stream: it starts, waits out trouble, and ends at once."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.worker.doors_site import Site, request

from tuneq_shared.errors import DataRootError
from tuneq_worker.doors.reader import RequestReader

DEADLINE_S = 30.0


@pytest.fixture
def site(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEQ_CONFIG", raising=False)
    return Site(redis_url, store_prefix, tmp_path)


@contextmanager
def reading(taker: Any) -> Iterator[RequestReader]:
    reader = RequestReader(taker, interval_s=0.01)
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
        assert not reader.is_alive()


def until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def consumers(site: Site) -> set[str]:
    found = site.redis.xinfo_consumers(f"{site.prefix}:requests", "tuneq")
    return {consumer["name"] for consumer in found}


def test_it_takes_what_is_there_and_what_comes_and_leaves_no_trace(site: Site) -> None:
    site.send(request("before"))
    with reading(site.taker()):
        until(lambda: site.names() == ["before"])
        site.send(request("after"))
        until(lambda: site.names() == ["before", "after"])
        assert consumers(site) == {"me"}
    assert consumers(site) == set()
    assert site.left() == 0


def test_several_share_the_work(site: Site) -> None:
    with reading(site.taker("one")), reading(site.taker("two")), reading(site.taker("three")):
        for n in range(500):
            site.send(request(f"r{n}"))
        until(lambda: len(site.names()) == 500)
    assert sorted(site.names()) == sorted(f"r{n}" for n in range(500))
    assert site.left() == 0


def test_started_again_under_its_name_it_goes_on_with_what_it_held(site: Site) -> None:
    site.send(request("held"))
    assert site.taker("me").stream.take(10, 3600)
    with reading(site.taker("me")):
        until(lambda: site.names() == ["held"])


def test_redis_emptied_below_it(site: Site) -> None:
    with reading(site.taker()):
        site.send(request("one"))
        until(lambda: site.names() == ["one"])
        site.redis.delete(*site.redis.keys(f"{site.prefix}:*"))
        site.send(request("two"))
        until(lambda: site.names() == ["two"])


@pytest.mark.parametrize(
    "trouble",
    [RedisConnectionError("away"), DataRootError("away"), OSError("away"), KeyError("a fault")],
    ids=repr,
)
def test_trouble_is_waited_out(
    site: Site, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    troubles = [trouble]

    class Troubled:
        def __getattr__(self, name: str) -> Any:
            return getattr(items, name)

        def create(self, new: Any) -> Any:
            if troubles:
                raise troubles.pop()
            return items.create(new)

    items = site.taker().items
    site.send(request("one"))
    with reading(site.taker(items=Troubled())):
        until(lambda: site.names() == ["one"])
    assert not troubles
    assert "requests" in caplog.text
    assert site.rejected() == []


def test_while_the_data_root_is_away_here_others_take_what_it_held(site: Site) -> None:
    class Away:
        def __getattr__(self, name: str) -> Any:
            return getattr(site.data, name)

        def settle(self, fleet: Any) -> None:
            del fleet
            raise DataRootError("away")

    taker = site.taker("sick", data=Away())
    site.send(request("one"))
    assert taker.stream.take(1, 3600)  # before it fell sick
    with reading(taker), reading(site.taker("well")):
        until(lambda: site.names() == ["one"])


def test_a_stop_does_not_wait_for_what_takes_long(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(items, name)

        def create(self, new: Any) -> Any:
            begun.set()
            assert over.wait(DEADLINE_S)
            return items.create(new)

    items = site.taker().items
    monkeypatch.setattr("tuneq_worker.doors.reader._JOIN_S", 0.01)
    site.send(request("one"))
    reader = RequestReader(site.taker(items=Slow()), interval_s=0.01)
    reader.start()
    assert begun.wait(DEADLINE_S)
    reader.stop()
    assert reader.is_alive()
    assert consumers(site) == {"me"}, "it holds its entry for who comes after it"
    over.set()
    reader.join(DEADLINE_S)
    assert site.names() == ["one"]


def test_a_stop_does_not_wait_for_the_rest_of_a_batch(site: Site) -> None:
    for n in range(100):
        site.send(request(f"r{n}", training_file="file-abc"))
    stopped: list[RequestReader] = []

    class Stopping:
        """Settings at whose first use the worker is stopped."""

        max_request_bytes = 10_000
        accounts: Mapping[str, Any] = {}

        def account(self, name: str | None) -> Any:
            if stopped:
                stopped.pop()._done.set()
            return settings.account(name)

    settings = site.taker().settings
    reader = RequestReader(site.taker(settings=Stopping()), interval_s=0.01)
    stopped.append(reader)
    reader.start()
    reader.join(DEADLINE_S)
    reader.stop()
    assert site.names() == ["r0"]
    assert site.left() == 99
    site.take_all(site.taker("other"))  # nothing waits for the reader to be taken for dead
    assert len(site.names()) == 100

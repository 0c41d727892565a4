"""The stream of foreign requests on a real server: taken by one, settled once, lost by none."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from redis.exceptions import ResponseError

from tuneq_shared.ports.requests import Refusal
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.requests import (
    GROUP,
    RedisRequestStream,
    rejected_key,
    requests_key,
    send_request,
)

HOUR_S = 3600.0
LONGEST = 100
NewReader = Callable[[str], RedisRequestStream]


@pytest.fixture
def redis(redis_url: str) -> Any:
    return connect(redis_url)


@pytest.fixture
def reader(redis: Any, store_prefix: str) -> NewReader:
    return lambda name: RedisRequestStream(redis, store_prefix, name, longest=LONGEST)


def refusal(entry: str, request: str = "{}") -> Refusal:
    return Refusal(entry=entry, reason="no good", hint="do better", request=request)


def ids(stream: RedisRequestStream, idle_s: float = HOUR_S, limit: int = 100) -> list[str]:
    return [entry.id for entry in stream.take(limit, idle_s)]


def test_what_was_sent_before_there_was_a_reader_is_taken_once_and_in_order(
    redis: Any, store_prefix: str, reader: NewReader
) -> None:
    for n in range(5):
        send_request(redis, store_prefix, b"%d" % n)
    one, two = reader("one"), reader("two")
    first, rest = one.take(2, HOUR_S), two.take(100, HOUR_S)
    texts = [dict(entry.fields)[b"request"] for entry in (*first, *rest)]
    assert texts == [b"0", b"1", b"2", b"3", b"4"]
    assert [len(first), len(rest)] == [2, 3]
    assert ids(one) == ids(two) == []


def test_what_is_settled_is_gone(redis: Any, store_prefix: str, reader: NewReader) -> None:
    for _ in range(3):
        send_request(redis, store_prefix, b"{}")
    one = reader("one")
    a, b, c = ids(one)
    one.settle([a, b], [refusal(c, "what it said")])
    assert redis.xlen(requests_key(store_prefix)) == 0
    assert redis.xpending(requests_key(store_prefix), GROUP)["pending"] == 0
    ((_, told),) = redis.xrange(rejected_key(store_prefix))
    at = told.pop("at")
    assert abs(int(at) / 1000 - redis.time()[0]) < 60
    assert told == {"id": c, "reason": "no good", "hint": "do better", "request": "what it said"}


def test_of_two_that_settle_the_same_the_first_counts(
    redis: Any, store_prefix: str, reader: NewReader
) -> None:
    for _ in range(2):
        send_request(redis, store_prefix, b"{}")
    slow, quick = reader("slow"), reader("quick")
    a, b = ids(slow)
    assert ids(quick, idle_s=0.0) == [a, b]
    quick.settle([a], [refusal(b)])
    slow.settle([], [refusal(a), refusal(b)])
    slow.settle([b], [])
    assert redis.xlen(rejected_key(store_prefix)) == 1


def test_what_a_dead_reader_held_is_taken_over_when_it_is_idle_for_long(
    redis: Any, store_prefix: str, reader: NewReader
) -> None:
    for _ in range(3):
        send_request(redis, store_prefix, b"{}")
    held = ids(reader("dead"))
    heir = reader("heir")
    assert ids(heir) == []
    assert ids(heir, idle_s=0.0, limit=2) == held[:2]
    assert ids(heir, idle_s=0.0, limit=2) == held[2:]  # goes on where it ended


def test_what_is_given_back_is_taken_over_at_once(
    redis: Any, store_prefix: str, reader: NewReader
) -> None:
    for _ in range(1500):  # more than one page
        send_request(redis, store_prefix, b"{}")
    first, other = reader("first"), reader("other")
    held = [*ids(first, limit=1000), *ids(first, limit=1000)]
    assert len(held) == 1500
    first.give_back()
    took: list[str] = []
    while more := ids(other, limit=400):
        took += more
    assert took == held


def test_readers_that_are_gone_and_hold_nothing_are_forgotten(
    redis: Any, store_prefix: str, reader: NewReader
) -> None:
    def names() -> set[str]:
        consumers = redis.xinfo_consumers(requests_key(store_prefix), GROUP)
        return {consumer["name"] for consumer in consumers}

    send_request(redis, store_prefix, b"{}")
    holder, idle, leaver = reader("holder"), reader("idle"), reader("leaver")
    (held,) = ids(holder)
    assert ids(idle) == ids(leaver) == []
    holder.forget(HOUR_S)
    assert names() == {"holder", "idle", "leaver"}
    leaver.leave()
    assert names() == {"holder", "idle"}
    holder.leave()
    assert names() == {"holder", "idle"}  # it holds something
    holder.forget(-1.0)
    assert names() == {"holder"}
    assert ids(idle) == [held]


def test_before_there_is_a_stream_nothing_is_amiss(reader: NewReader) -> None:
    one = reader("one")
    one.give_back()
    one.forget(0.0)
    one.leave()
    one.settle(["0-1"], [])
    assert ids(one) == []


def test_readers_that_start_together_make_one_group(
    redis: Any, redis_url: str, store_prefix: str
) -> None:
    send_request(redis, store_prefix, b"{}")
    together = threading.Barrier(6)
    taken: list[str] = []
    troubles: list[Exception] = []

    def start(name: str) -> None:
        stream = RedisRequestStream(connect(redis_url), store_prefix, name, longest=LONGEST)
        together.wait()
        try:
            taken.extend(ids(stream))
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            troubles.append(error)

    threads = [threading.Thread(target=start, args=(f"r{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not troubles
    assert len(taken) == 1
    assert len(redis.xinfo_groups(requests_key(store_prefix))) == 1


@pytest.mark.parametrize("lost", ["the stream", "the group"])
def test_a_lost_group_is_made_again(
    redis: Any, store_prefix: str, reader: NewReader, lost: str
) -> None:
    one = reader("one")
    send_request(redis, store_prefix, b"before")
    (held,) = ids(one)
    if lost == "the stream":
        redis.delete(requests_key(store_prefix))
        send_request(redis, store_prefix, b"after")
    else:
        redis.xgroup_destroy(requests_key(store_prefix), GROUP)
    one.settle([], [refusal(held)])  # it is delivered again, so nothing is noted now
    assert redis.xlen(rejected_key(store_prefix)) == 0
    (entry,) = one.take(10, HOUR_S)
    assert dict(entry.fields)[b"request"] == (b"after" if lost == "the stream" else b"before")


def test_bytes_that_are_no_text_hide_nothing(
    redis: Any, store_prefix: str, reader: NewReader
) -> None:
    key = requests_key(store_prefix)
    redis.xadd(key, {b"\xff\xfe": b"\x80", "request": b"\xff"})
    redis.execute_command("XADD", key, "*", "request", "1", "request", "2", "request", "3")
    redis.xadd(key, {"request": "x" * 5000})
    odd, twice, long = reader("one").take(10, HOUR_S)
    assert odd.fields == ((b"\xff\xfe", b"\x80"), (b"request", b"\xff"))
    assert twice.fields == ((b"request", b"1"), (b"request", b"2"))
    assert (long.fields, long.size) == (((b"request", b"x" * (LONGEST + 1)),), 5000)


def test_a_key_of_another_type_is_told(redis: Any, store_prefix: str, reader: NewReader) -> None:
    redis.set(requests_key(store_prefix), "not a stream")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        reader("one").take(1, HOUR_S)


def test_refusals_are_capped(
    redis: Any, store_prefix: str, reader: NewReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuneq_shared.redis_store.requests.MAX_REJECTED", 200)
    one = reader("one")
    for _ in range(6):
        for _ in range(100):
            send_request(redis, store_prefix, b"{}")
        one.settle([], [refusal(entry) for entry in ids(one)])
    assert 200 <= redis.xlen(rejected_key(store_prefix)) < 400

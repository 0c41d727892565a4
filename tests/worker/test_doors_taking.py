"""Requests off the stream: taken once, refused with a reason, kept where the trouble is ours."""

import errno
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.worker.doors_site import Site, request

from tuneq_shared.errors import DataRootError


@pytest.fixture
def site(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEQ_CONFIG", raising=False)
    return Site(redis_url, store_prefix, tmp_path)


def test_requests_become_runs_in_order_and_garbage_is_refused_between_them(site: Site) -> None:
    for n in range(250):
        site.send(request(f"r{n}"))
        if n % 5 == 0:
            site.send(b"garbage %d" % n)
    site.take_all()
    assert site.names() == [f"r{n}" for n in range(250)]
    assert [told["request"] for told in site.rejected()] == [
        f"garbage {n}" for n in range(0, 250, 5)
    ]
    assert all("not JSON" in told["reason"] and told["hint"] for told in site.rejected())
    assert site.left() == site.pending() == 0


def test_the_same_request_again_is_the_same_run(site: Site) -> None:
    for _ in range(3):
        site.send(request("one"))
        site.send(request("keyed", idempotency_key="k", labels={"attempt": "any"}))
    site.take_all()
    assert site.names() == ["one", "keyed"]
    assert site.rejected() == []


def test_conflicts_are_refused(site: Site) -> None:
    site.send(request("one", idempotency_key="k"))
    site.send(request("two", idempotency_key="k"))
    site.send(request("one", seed=2))
    site.take_all()
    assert site.names() == ["one"]
    reused, taken = site.rejected()
    assert "idempotency key" in reused["reason"]
    assert "another run of the name one" in taken["reason"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reqest": "{}"}, "one field, request"),
        ({"request": "{}", "api_key": "hidden-value"}, "one field, request"),
    ],
)
def test_an_entry_has_one_field(site: Site, fields: dict[str, str], reason: str) -> None:
    site.redis.xadd(f"{site.prefix}:requests", fields)
    site.take_all()
    (told,) = site.rejected()
    assert reason in told["reason"]
    assert "hidden-value" not in str(told)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_settling_each_run_is_there_once_and_each_refusal_told_once(
    site: Site, redis_url: str, tmp_path: Path, moment: str
) -> None:
    for n in range(20):
        site.send(request(f"r{n}"))
        site.send(b"garbage")
    victim = [sys.executable, "-m", "tests.worker.doors_victim"]
    died = subprocess.run(
        [*victim, redis_url, site.prefix, str(tmp_path), moment],
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert died.returncode == -9
    created = site.names()
    assert created == [f"r{n}" for n in range(20)]
    assert len(site.rejected()) == (20 if moment == "after" else 0)
    site.take_all(site.taker("heir", idle_s=0.0))
    assert site.names() == created
    assert len(site.rejected()) == 20
    assert site.left() == site.pending() == 0
    (events,) = {
        len(site.redis.lrange(key, 0, -1)) for key in site.redis.keys(f"{site.prefix}:events:*")
    }
    assert events == 1  # created once


def test_stopping_leaves_the_rest_whole_to_others(site: Site) -> None:
    for n in range(5):
        site.send(request(f"r{n}"))
    answers = iter([False, False, True])
    leaving = site.taker("leaving")
    assert leaving.take_in(lambda: next(answers)) == 5
    assert site.names() == ["r0", "r1"]
    assert site.pending() == site.left() == 3
    leaving.stream.leave()
    site.take_all(site.taker("other"))
    assert site.names() == [f"r{n}" for n in range(5)]
    assert site.left() == 0


def test_nothing_is_refused_while_the_data_root_is_away(site: Site) -> None:
    site.send(request("one"))
    site.send(request("none", training_file="data:absent.jsonl"))
    site.root.rename(site.folder / "away")
    taker = site.taker()
    with pytest.raises(DataRootError):
        taker.take_in(lambda: False)
    assert (site.rejected(), site.names(), site.left()) == ([], [], 2)
    for made in (site.root / ".tuneq-root", site.root):  # what a lost mount leaves behind
        if made.is_file():
            made.unlink()
        elif made.is_dir():
            made.rmdir()
    (site.folder / "away").rename(site.root)
    taker.stream.give_back()
    site.take_all(taker)
    assert site.names() == ["one"]
    (told,) = site.rejected()
    assert "data:absent.jsonl is not there" in told["reason"]


@pytest.mark.parametrize(
    "trouble",
    [OSError(errno.EIO, "disk trouble"), OSError(errno.ETIMEDOUT, "late"), RuntimeError("a fault")],
    ids=str,
)
def test_what_is_not_the_requests_fault_is_tried_again_and_stops_nobody(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    trouble: Exception,
) -> None:
    site.send(request("bad-luck", training_file="data:other.jsonl"))
    site.send(request("fine"))
    (site.root / "other.jsonl").write_text("{}\n")
    opened = type(site.data)._opened

    def failing(self: Any, fs: Any, full: str, shown: str) -> Any:
        if "other" in full:
            raise trouble
        return opened(self, fs, full, shown)

    monkeypatch.setattr(type(site.data), "_opened", failing)
    with caplog.at_level(logging.WARNING):
        site.take_all()
    assert site.names() == ["fine"]
    assert site.rejected() == []
    assert site.pending() == 1
    assert "tried again later" in caplog.text
    monkeypatch.undo()
    site.take_all(site.taker(idle_s=0.0))
    assert site.names() == ["fine", "bad-luck"]
    assert site.left() == 0


def test_a_batch_looks_at_a_file_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    opened = type(site.data)._opened

    def noted(self: Any, fs: Any, full: str, shown: str) -> Any:
        looked.append(shown)
        return opened(self, fs, full, shown)

    monkeypatch.setattr(type(site.data), "_opened", noted)
    for n in range(50):
        site.send(request(f"r{n}"))
    site.take_all()
    assert looked == ["data:t.jsonl"]

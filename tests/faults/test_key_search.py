"""The search for a text finds it wherever it is planted."""

import gzip
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.faults.key_search import in_files, in_process_list, in_redis
from tests.sandbox.provider_server import KEY

from tuneq_shared.redis_store.connection import connect

Plant = Callable[[Any, str], Any]
PLANTS: dict[str, Plant] = {
    "name": lambda redis, text: redis.set(f"a-{text}-b", 1),
    "string": lambda redis, text: redis.set("k", f"a {text} b"),
    "hash field": lambda redis, text: redis.hset("k", text, 1),
    "hash value": lambda redis, text: redis.hset("k", "f", f"[{text}]"),
    "list": lambda redis, text: redis.rpush("k", "a", text),
    "set": lambda redis, text: redis.sadd("k", "a", text),
    "sorted set": lambda redis, text: redis.zadd("k", {text: 1.0}),
    "stream": lambda redis, text: redis.xadd("k", {"f": f"Bearer {text}"}),
}


@pytest.mark.parametrize("place", PLANTS)
def test_it_is_found_in_redis(place: str, redis_url: str) -> None:
    text = f"sk-{uuid.uuid4().hex}"
    url = redis_url.replace("/0", "/7")
    with connect(url) as redis:
        redis.flushdb()
        assert not list(in_redis(url, text))
        PLANTS[place](redis, text)
        assert len(list(in_redis(url, text))) == 1
        redis.flushdb()


def test_it_is_found_in_files(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    assert not list(in_files(tmp_path, KEY))
    (tmp_path / "deep" / "er" / "plain.log").write_bytes(b"\xff" + KEY.encode())
    (tmp_path / f"{KEY}.txt").touch()
    (tmp_path / "packed.gz").write_bytes(gzip.compress(KEY.encode()))
    assert len(list(in_files(tmp_path, KEY))) == 3


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks into /proc")
def test_it_is_found_in_the_process_list() -> None:
    text = f"sk-{uuid.uuid4().hex}"
    assert not list(in_process_list(text))
    waits = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", text]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(in_process_list(text)) == [f"process {process.pid}"]
        process.communicate()

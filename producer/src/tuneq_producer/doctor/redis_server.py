"""Redis: whether what is in it is safe there."""

import time
from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from tuneq_producer.doctor.finding import Finding, fail, ok, warn
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.settings import Settings

_CHECK = "redis"
_OLDEST = (6, 2)
_PINGS = 20
_SLOW_MS = 20.0


def check_redis(settings: Settings) -> Iterator[Finding]:
    """Ask the server what it says of itself."""
    client: Any = connect(settings.redis_url)  # redis-py types sync and async answers as one
    yield from judge_server(client.info("server"), client.info("cluster"))
    yield from judge_persistence(client.info("persistence"))
    yield judge_memory(client.info("memory"))
    yield judge_latency([_ping_ms(client) for _ in range(_PINGS)])


def judge_server(server: Mapping[str, Any], cluster: Mapping[str, Any]) -> Iterator[Finding]:
    """Its version, and that it is one server."""
    version = str(server.get("redis_version", "0"))
    name = f"{server.get('server_name', 'redis')} {server.get('valkey_version', version)}"
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        yield fail(_CHECK, f"{name} is too old", "use Redis 6.2 or later, or Valkey")
    else:
        yield ok(_CHECK, name)
    if cluster.get("cluster_enabled"):
        hint = "use one server or Sentinel: Celery cannot use a cluster, nor can the scripts"
        yield fail(_CHECK, "this is a Redis Cluster", hint)


def judge_persistence(persistence: Mapping[str, Any]) -> Iterator[Finding]:
    """That what is acknowledged is on disk within a second."""
    if not persistence.get("aof_enabled"):
        hint = "set appendonly yes; without it a restart loses what came after the last snapshot"
        yield warn(_CHECK, "no append-only file", hint)
    elif persistence.get("aof_last_write_status", "ok") != "ok":
        hint = "see the server's log: its disk may be full"
        yield fail(_CHECK, "the append-only file cannot be written", hint)
    else:
        yield ok(_CHECK, "append-only file is on")


def judge_memory(memory: Mapping[str, Any]) -> Finding:
    """That no key is ever thrown away."""
    policy = memory.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        used = memory.get("used_memory_human", "?")
        return ok(_CHECK, f"evicts nothing; {used} in use")
    hint = "set maxmemory-policy noeviction: runs must not be thrown away"
    return fail(_CHECK, f"maxmemory-policy is {policy}", hint)


def judge_latency(pings_ms: list[float]) -> Finding:
    """How far it is."""
    middle = median(pings_ms)
    if middle > _SLOW_MS:
        hint = "run workers and Redis closer together: each step takes several round trips"
        return warn(_CHECK, f"a round trip takes {middle:.1f} ms", hint)
    return ok(_CHECK, f"a round trip takes {middle:.1f} ms")


def _ping_ms(client: Any) -> float:
    start = time.perf_counter()
    client.ping()
    return (time.perf_counter() - start) * 1000

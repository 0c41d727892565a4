"""The Redis to work with: the configured one, else one of our own."""

from dataclasses import dataclass
from pathlib import Path

from tuneq_sandbox.redis_server.embedded import EmbeddedRedis
from tuneq_shared.redis_store.connection import connect, reachable


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRedis:
    """A Redis that answers."""

    url: str  # with the password
    server: EmbeddedRedis | None  # None for a configured one: then nothing was started


def ensure_redis(
    configured_url: str | None, folder: Path, *, log: Path | None = None
) -> RunningRedis:
    """Use the configured Redis, or start one in the folder where none is configured.

    Raises:
        ConfigurationError: the URL is none, or there is no server to start on this system.
        RedisUnreachableError: the configured one does not answer.
        ConflictError: another server has the folder.
        ChildFailedError: the server of our own did not come up.
    """
    if configured_url is None:
        server = EmbeddedRedis(folder, log=log).start()
        return RunningRedis(url=server.url, server=server)
    with connect(configured_url) as client, reachable(configured_url):
        client.ping()
    return RunningRedis(url=configured_url, server=None)

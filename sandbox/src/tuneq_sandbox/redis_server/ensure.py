"""The Redis to work with: the configured one, else one of our own."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tuneq_sandbox.redis_server.embedded import EmbeddedRedis
from tuneq_shared.errors import ConfigurationError, RedisUnreachableError

CONNECT_TIMEOUT_S = 5.0


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
    _require_answer(configured_url)
    return RunningRedis(url=configured_url, server=None)


def without_password(url: str) -> str:
    """The URL as it may be shown: its user name and password left out."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _require_answer(url: str) -> None:
    try:
        client = redis.Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=CONNECT_TIMEOUT_S
        )
    except ValueError as error:
        raise ConfigurationError(
            f"redis_url is no Redis URL: {error}", hint="write redis://[:PASSWORD@]HOST:PORT/0"
        ) from error
    with client:
        try:
            client.ping()
        except redis.RedisError as error:
            raise RedisUnreachableError(
                f"Redis at {without_password(url)} does not answer: {error}",
                hint="start it, correct redis_url, or leave redis_url out to have one started",
            ) from error

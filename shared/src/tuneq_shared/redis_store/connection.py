"""One way to connect to Redis, and one error where it cannot be reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from redis import Redis
from redis import exceptions as redis_errors
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from tuneq_shared.errors import ConfigurationError, RedisUnreachableError

_AWAY = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.BusyLoadingError,
    redis_errors.AuthenticationError,
)


def connect(url: str) -> Redis:
    """A client that answers text; nothing is sent yet.

    Every script may be sent twice: a repeat is refused by its token, its id or its effect.

    Raises:
        ConfigurationError: the URL is not one of a Redis server.
    """
    if "@" in _after_host(url):
        raise _not_a_url()
    try:
        return Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=15,
            socket_connect_timeout=5,
            socket_keepalive=True,
            health_check_interval=10,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
        )
    except ValueError:
        raise _not_a_url() from None


def connect_async(url: str) -> AsyncRedis:
    """The same for the event loop in which it is used; close it there. The URL is a sound one.

    It gives up soon: who uses it has others on the same loop, and tries again.
    """
    return AsyncRedis.from_url(
        url,
        decode_responses=True,
        socket_timeout=5,
        socket_connect_timeout=5,
        socket_keepalive=True,
        health_check_interval=10,
        retry=AsyncRetry(ExponentialBackoff(cap=0.5, base=0.05), 1),
    )


def without_password(url: str) -> str:
    """The URL as it may be shown; where a password's characters confuse it, its scheme alone."""
    parts = urlsplit(url)
    if "@" in _after_host(url):
        return f"{parts.scheme}://..."
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="").geturl()


@contextmanager
def reachable(url: str) -> Iterator[None]:
    """Turn what the client raises when the server is away into an error for people.

    Raises:
        RedisUnreachableError: the server is away, still loading, or refuses the password.
    """
    try:
        yield
    except _AWAY as error:
        raise RedisUnreachableError(
            f"Redis at {without_password(url)} cannot be reached: {error}",
            hint="start it, or correct redis_url in tuneq.toml or TUNEQ_REDIS_URL; "
            "`tuneq up` brings one of its own",
        ) from error


def _after_host(url: str) -> str:
    """Where an @ stands only if a password has a character that ends the host."""
    parts = urlsplit(url)
    return parts.path + parts.query + parts.fragment


def _not_a_url() -> ConfigurationError:
    # The URL's own words may hold a piece of the password.
    return ConfigurationError(
        "redis_url is not a Redis URL",
        hint="write it as redis://[:password@]host:port/number or rediss://; in the password, "
        "percent-encode what is neither letter nor digit",
    )

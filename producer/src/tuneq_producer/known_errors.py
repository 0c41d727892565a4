"""Errors of libraries as errors of ours, where a user can do something about them."""

from pydantic import ValidationError
from redis.exceptions import RedisError

from tuneq_shared.errors import InvalidInputError, RedisUnreachableError, TuneqError
from tuneq_shared.redis_store.connection import reachable, without_password
from tuneq_shared.settings import describe, load_settings


def as_known(error: Exception) -> TuneqError | None:
    """The error for people; none where it is a fault of ours."""
    if isinstance(error, TuneqError):
        return error
    if isinstance(error, ValidationError):
        return InvalidInputError(describe(error))
    if isinstance(error, RedisError):
        return _of_redis(error)
    return None


def _of_redis(error: RedisError) -> TuneqError:
    url = load_settings().redis_url
    try:
        with reachable(url):
            raise error
    except TuneqError as known:
        return known
    except RedisError:
        return RedisUnreachableError(
            f"Redis at {without_password(url)} refuses to work: {error}",
            hint="`tuneq doctor` looks at its memory, persistence and rights",
        )

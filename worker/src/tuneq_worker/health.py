"""`python -m tuneq_worker.health NAME`: whether the worker NAME of this host is at work."""

import socket
import sys

from redis.exceptions import RedisError

from tuneq_shared.errors import ConfigurationError, TuneqError
from tuneq_shared.ports.fleet import LOST_AFTER_S, Fleet
from tuneq_shared.redis_store.connection import connect, reachable
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.settings import load_settings

_USAGE = """\
usage: python -m tuneq_worker.health NAME

Whether the worker NAME@<this host> gave a sign of life lately. Exit code 0: it did; 1: it did not;
2: the configuration is wrong; 3: Redis cannot be reached.

Example:
  python -m tuneq_worker.health worker"""


def trouble_with_worker(fleet: Fleet, node: str) -> str:
    """What is wrong with a worker; empty where it gave a sign of life lately.

    Args:
        fleet: the registry of workers.
        node: the worker's name with its host, as `name@host`.
    """
    for worker in fleet.workers():
        if worker.name == node:
            age = fleet.now() - worker.seen_at
            return "" if age < LOST_AFTER_S else f"{node} fell silent {age:.0f} s ago"
    return f"{node} is not at work"


def main(arguments: list[str]) -> int:
    """Look once; says what is wrong on stderr and answers the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        asked = arguments in (["-h"], ["--help"])
        print(_USAGE, file=sys.stdout if asked else sys.stderr)
        return 0 if asked else ConfigurationError.exit_code
    try:
        settings = load_settings()
        node = f"{arguments[0]}@{socket.gethostname()}"
        with reachable(settings.redis_url):
            fleet = RedisFleet(connect(settings.redis_url), settings.key_prefix)
            trouble = trouble_with_worker(fleet, node)
    except TuneqError as error:
        print(f"{error.message}; {error.hint}", file=sys.stderr)  # noqa: T201 - likewise
        return error.exit_code
    except RedisError as error:
        print(f"Redis refuses: {error}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    if trouble:
        print(trouble, file=sys.stderr)  # noqa: T201 - likewise
    return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

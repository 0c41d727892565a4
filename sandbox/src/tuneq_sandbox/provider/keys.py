"""Bearer keys: who may call, and where the keys come from."""

import hmac
import os
from pathlib import Path

from aiohttp import web

from tuneq_sandbox.provider.errors import ApiError
from tuneq_shared.errors import ConfigurationError

KEYS_ENV = "TUNEQ_SANDBOX_KEYS"
KEY = web.RequestKey("key", str)


def read_keys(env: str, file: Path | None) -> frozenset[str]:
    """The keys of a file, one a line, or of an environment variable, with commas between.

    Raises:
        ConfigurationError: there is none.
    """
    if file is not None:
        try:
            raw = file.read_text().splitlines()
        except OSError as error:
            raise ConfigurationError(
                f"cannot read the keys in {file}: {error.strerror}", hint="correct --keys-file"
            ) from error
    else:
        raw = os.environ.get(env, "").split(",")
    keys = frozenset(key.strip() for key in raw if key.strip())
    if not keys:
        raise ConfigurationError(
            f"no key in {file or env}", hint=f"set {env}, or name a file with --keys-file"
        )
    return keys


def check_key(header: str | None, keys: frozenset[str]) -> str:
    """The key of an Authorization header.

    Raises:
        ApiError: 401.
    """
    if not header:
        raise ApiError(
            401,
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        )
    scheme, _, given = header.partition(" ")
    for key in keys:
        if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), key.encode()):
            return key
    raise ApiError(401, "Incorrect API key provided.", code="invalid_api_key")

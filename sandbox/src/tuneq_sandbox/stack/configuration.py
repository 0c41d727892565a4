"""The configuration that a stack writes, and the one that it reads."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from tuneq_sandbox.provider.faces.registry import face_of
from tuneq_shared.dialects import Dialect
from tuneq_shared.settings import CONFIG_NAME, find_config, load_settings

KEY_NAME = "sandbox.key"


def configured_redis_url(folder: Path) -> str | None:
    """The Redis that the user configured for a stack in the folder; None where there is none.

    The configuration that an earlier stack wrote into the folder is not the user's word.

    Raises:
        ConfigurationError: the configuration cannot be read.
    """
    if find_config() == folder.resolve() / CONFIG_NAME:
        return os.environ.get("TUNEQ_REDIS_URL")
    settings = load_settings()
    return settings.redis_url if "redis_url" in settings.model_fields_set else None


def stack_configuration(redis_url: str, sandbox_url: str, dialect: Dialect) -> str:
    """The text of `tuneq.toml`: one account, the sandbox provider at the URL, in a dialect.

    Its waits are short, since the provider's jobs take seconds.
    """
    # A JSON string is a TOML string, except for characters that no URL has.
    return f"""\
# Written by tuneq at each start of the stack in this folder.
redis_url = {json.dumps(redis_url)}
data_url = "./data"
default_account = "sandbox"
lease_s = 10.0
request_timeout_s = 10.0
purchase_grace_s = 45.0

[accounts.sandbox]
dialect = {json.dumps(dialect)}
base_url = {json.dumps(sandbox_url)}
api_key_file = "./{KEY_NAME}"

[accounts.sandbox.limits]
poll_interval_s = 0.5

[accounts.sandbox.options]
{account_options(sandbox_url, dialect)}"""


def account_options(sandbox_url: str, dialect: Dialect) -> str:
    """What an account of the sandbox needs in a dialect, as lines of TOML."""
    # A JSON string is a TOML string, except for characters that no URL and no option has.
    options = face_of(dialect).options.items()
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(sandbox_url))
    return "".join(f"{k} = {json.dumps(v)}\n".replace("{origin}", origin) for k, v in options)

"""The key of an account: read where it is needed, never kept in settings or shown."""

import os
from pathlib import Path

from pydantic import SecretStr

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account


def read_key(name: str, account: Account) -> SecretStr:
    """The account's key from its environment variable, else from its file; outer blanks cut off.

    Empty where the account names neither, and tokens of an identity let it in instead.

    Raises:
        ConfigurationError: neither is configured, neither holds a key, or what it holds cannot
            be one. The words name the place, never the value.
    """
    if account.api_key_env is None and account.api_key_file is None:
        if account.options.get("entra"):
            return SecretStr("")
        raise ConfigurationError(
            f"account {name!r} says nowhere where its key is",
            hint=f"set api_key_env or api_key_file under [accounts.{name}]",
        )
    missing = []
    if account.api_key_env is not None:
        place = f"environment variable {account.api_key_env}"
        text = os.environ.get(account.api_key_env)
        if text is not None and text.strip():
            return _checked(text, name, place)
        missing.append(f"{place} is {'not set' if text is None else 'empty'}")
    if account.api_key_file is not None:
        place = f"file {account.api_key_file}"
        text = _read_file(account.api_key_file, name)
        if text.strip():
            return _checked(text, name, place)
        missing.append(f"{place} is empty")
    raise ConfigurationError(
        f"account {name!r} has no key: {' and '.join(missing)}",
        hint="put the key there, in the surroundings of the worker",
    )


def _read_file(path: Path, name: str) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"account {name!r} has no key: cannot read file {path}: {error.strerror}",
            hint=f"correct api_key_file under [accounts.{name}]",
        ) from error
    except UnicodeDecodeError:
        # Its text would show bytes of the file.
        raise ConfigurationError(
            f"account {name!r} has no key: file {path} is not text",
            hint="the file holds the key and nothing else",
        ) from None


def _checked(text: str, name: str, place: str) -> SecretStr:
    key = text.strip()
    if not all("!" <= character <= "~" for character in key):
        raise ConfigurationError(
            f"the key of account {name!r} holds a blank, a line break or a foreign letter, "
            "so it cannot be sent",
            hint=f"put the key alone into {place}",
        )
    return SecretStr(key)

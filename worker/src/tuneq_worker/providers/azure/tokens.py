"""What lets requests in at Azure: a key, a token kept somewhere, or one of the identity."""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.errors import ConfigurationError
from tuneq_worker.ports.provider import ProviderError

_RENEW_S = 300.0  # before it ends
_MAX_WORDS = 300


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key in Azure's own header."""

    secret: str = field(repr=False)
    stale: bool = field(default=False, init=False)

    def headers(self) -> Mapping[str, str]:
        """The same for every request."""
        return {"api-key": self.secret}


class KeptToken:
    """A token that others put into a variable or a file, and renew there."""

    def __init__(self, account: str, env: str | None, file: Path | None) -> None:
        self._account = account
        self._env = env
        self._file = file
        self.secret = ""
        self.stale = False

    def headers(self) -> Mapping[str, str]:
        """Read anew each time.

        Raises:
            ProviderError: there is none.
        """
        self.secret = self._read().strip()
        if not self.secret.isascii() or not self.secret.isprintable() or not self.secret:
            place = self._env or self._file
            words = f"account {self._account!r}: there is no token for the management in {place}"
            raise ProviderError(ErrorKind.AUTH, words)
        return {"Authorization": f"Bearer {self.secret}"}

    def _read(self) -> str:
        if self._env is not None:
            return os.environ.get(self._env, "")
        try:
            return self._file.read_text(encoding="utf-8") if self._file else ""
        except (OSError, UnicodeDecodeError):
            return ""


class Token(Protocol):
    """What an identity hands out."""

    @property
    def token(self) -> str:
        """The token itself."""

    @property
    def expires_on(self) -> int:
        """Its end, in Unix time."""


class Identity(Protocol):
    """Whoever this process is to Azure."""

    def get_token(self, *scopes: str) -> Token:
        """A token for these scopes; may ask a service."""


class EntraToken:
    """A token of an identity for one scope, renewed before it ends."""

    def __init__(self, account: str, scope: str, identity: Identity) -> None:
        self._account = account
        self._scope = scope
        self._identity = identity
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    @property
    def secret(self) -> str:
        """The present token."""
        return self._token

    @property
    def stale(self) -> bool:
        """Whether it is about to end."""
        return time.time() > self._until - _RENEW_S

    def headers(self) -> Mapping[str, str]:
        """With the present token, or a new one.

        Raises:
            ProviderError: the identity has none.
        """
        with self._lock:
            if self.stale:
                self._renew()
            return {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        try:
            token = self._identity.get_token(self._scope)
        except Exception as error:  # noqa: BLE001 - the tree of its errors belongs to an extra
            failure = self._failure(error)
        else:
            self._token, self._until = token.token, float(token.expires_on)
            return
        raise failure

    def _failure(self, error: Exception) -> ProviderError:
        # As azure.core names them: no answer of the service, as opposed to a refusal.
        unanswered = type(error).__name__ in {"ServiceRequestError", "ServiceResponseError"}
        said = str(error).partition("\n")[0][:_MAX_WORDS]
        words = f"account {self._account!r} gets no Entra token: {said}"
        return ProviderError(ErrorKind.NETWORK if unanswered else ErrorKind.AUTH, words)


def surrounding_identity(account: str) -> Identity:
    """Whoever this process is to Azure, by its surroundings: variables, a managed identity, `az`.

    Raises:
        ConfigurationError: the extra that asks them is not installed.
    """
    try:
        made = import_module("azure.identity").DefaultAzureCredential()
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"account {account!r} needs Entra tokens, for which {error.name} is missing here",
            hint="install tuneq-worker[azure] where the worker runs",
        ) from error
    return cast("Identity", made)

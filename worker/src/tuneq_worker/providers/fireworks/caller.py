"""Sending one request, and paging through a listing, by hand and with a bound."""

from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from fireworks import APIStatusError, APITimeoutError, Fireworks, FireworksError, Omit, omit
from pydantic import BaseModel

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.fireworks.documents import PageDocument
from tuneq_worker.providers.fireworks.options import FireworksOptions
from tuneq_worker.providers.fireworks.refusals import refused
from tuneq_worker.providers.openai.errors import read_answer, redact, without_key
from tuneq_worker.providers.openai.last_look import Look, checked

PAGE = 200
"""Entries asked for at once, the most that are given."""
MAX_PAGES = 1000
"""A listing longer than this does not end by itself."""

Document = TypeVar("Document", bound=BaseModel)
Entry = dict[str, Any]


class ExistsError(ProviderError):
    """There is something under the id already; what was asked for may have been carried out."""


class _Answer(Protocol):
    def read(self) -> bytes: ...


class Caller:
    """Base of the adapter's parts: one client, whose errors become the port's."""

    def __init__(
        self,
        account: str,
        client: Fireworks,
        key: str,
        options: FireworksOptions,
        capabilities: Capabilities,
    ) -> None:
        self._account = account
        self._client = client
        self._key = key
        self._options = options
        self._capabilities = capabilities

    def _fetch(self, send: Callable[[], _Answer], check: Check | None = None) -> bytes:
        """Send once, unless the check objects; the body of a good answer, without the key."""
        look = None if check is None else Look(check)
        failure: BaseException
        try:
            with checked(look):
                return without_key(send().read(), self._key)
        except FireworksError as error:
            # The SDK takes whatever ends a request for trouble with the connection.
            failure = (look and look.objection) or self._translate(error)
        except ValueError as error:  # the SDK takes no id that is no part of an address
            failure = ProviderError(ErrorKind.MALFORMED, redact(str(error), self._key))
        raise failure

    def _read(
        self, document: type[Document], send: Callable[[], _Answer], check: Check | None = None
    ) -> Document:
        """Send once, unless the check objects, and read the answer."""
        return read_answer(document, self._fetch(send, check))

    def _translate(self, error: FireworksError) -> ProviderError:
        """The port's error; raised outside `except`, for the SDK's holds the request's headers."""
        if isinstance(error, APIStatusError):
            failure = refused(error.status_code, error.body, error.response.headers, self._key)
            if error.status_code != HTTPStatus.CONFLICT:
                return failure
            return ExistsError(failure.kind, failure.message, code=failure.code)
        words = "did not answer in time"
        if not isinstance(error, APITimeoutError):
            cause = error.__cause__ or error
            words = f"cannot be reached: {str(cause) or type(cause).__name__}"
        words = f"account {self._account!r} {words}"
        return ProviderError(ErrorKind.NETWORK, redact(words, self._key))

    def _pages(
        self, collection: str, send: Callable[[str | Omit], _Answer]
    ) -> Iterator[list[Entry]]:
        """The entries page by page, each entry once, to the end of the listing.

        Raises:
            ProviderError: a request failed, or the listing did not end, or did not go on though
                it said so: what is further back was not seen.
        """
        seen: set[str] = set()
        token: str | Omit = omit
        for _ in range(MAX_PAGES):
            page = self._read(PageDocument, partial(send, token))
            entries = page.entries(collection)
            fresh = [entry for entry in entries if str(entry.get("name")) not in seen]
            if fresh:
                yield fresh
            if page.next_page_token is None:
                return
            if entries and not fresh:
                raise ProviderError(ErrorKind.MALFORMED, "a listing says it goes on, and does not")
            seen.update(str(entry.get("name")) for entry in fresh)
            token = page.next_page_token
        raise ProviderError(ErrorKind.MALFORMED, f"a listing did not end in {MAX_PAGES} pages")

"""Sending one request, whose errors become the port's."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel
from together import APIStatusError, Omit, Together, TogetherError, omit

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.errors import (
    read_answer,
    redact,
    refused,
    translate,
    without_key,
)
from tuneq_worker.providers.openai.last_look import Look, checked
from tuneq_worker.providers.origins import origin
from tuneq_worker.providers.together.documents import Entry, PageDocument
from tuneq_worker.providers.together.options import TogetherOptions

PAGE = 100
"""Entries asked for at once."""
MAX_PAGES = 1000
"""A listing longer than this does not end by itself."""
# The SDK reads some answers itself, and wraps not all that its HTTP client raises.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError)

Document = TypeVar("Document", bound=BaseModel)
Sent = TypeVar("Sent")


class Answer(Protocol):
    """What the SDK hands back unread."""

    def read(self) -> bytes:
        """The body."""
        ...


class Caller:
    """Base of the adapter's parts."""

    def __init__(
        self, account: str, client: Together, credential: Credential, options: TogetherOptions
    ) -> None:
        self._account = account
        self._client = client
        self._credential = credential
        self._options = options

    @property
    def _key(self) -> str:
        return self._credential.secret

    def _send(self, send: Callable[[], Sent], check: Check | None = None) -> Sent:
        """Send once, unless the check objects."""
        look = None if check is None else Look(check)
        failure: Exception
        try:
            with checked(look):
                return send()
        except APIStatusError as error:
            failure = self._refused(error.response)
        except (TogetherError, httpx.HTTPError) as error:
            unsent = look and look.objection
            failure = unsent or translate(_told(error), self._account, self._key)
        except _UNREADABLE as error:
            words = redact(f"unreadable answer: {type(error).__name__}: {error}", self._key)
            failure = ProviderError(ErrorKind.MALFORMED, words)
        raise failure  # outside `except`: the SDK's error holds the request with its headers

    def _fetch(self, send: Callable[[], Answer], check: Check | None = None) -> bytes:
        """Send once, unless the check objects; the body of a good answer, without the key."""
        return without_key(self._send(lambda: send().read(), check), self._key)

    def _read(
        self, document: type[Document], send: Callable[[], Answer], check: Check | None = None
    ) -> Document:
        """Send once, unless the check objects, and read the answer."""
        return read_answer(document, self._fetch(send, check))

    def _pages(self, send: Callable[[str | Omit], Answer]) -> Iterator[list[Entry]]:
        """The entries page by page, to the end of the listing.

        Raises:
            ProviderError: a request failed, or the listing did not end, or came back to where it
                had been: what is further back was not seen.
        """
        seen: set[str] = set()
        after: str | Omit = omit
        for _ in range(MAX_PAGES):
            page = self._read(PageDocument, partial(send, after))
            yield page.data
            if not page.next_cursor:
                return
            if page.next_cursor in seen:
                raise ProviderError(ErrorKind.MALFORMED, "a listing goes round in a circle")
            seen.add(page.next_cursor)
            after = page.next_cursor
        raise ProviderError(ErrorKind.MALFORMED, f"a listing did not end in {MAX_PAGES} pages")

    def _refused(self, response: httpx.Response) -> ProviderError:
        if origin(str(response.request.url)) != origin(str(self._client.base_url)):
            # The storage that files are put into knows no key, and tells nothing of the account.
            words = f"the storage for files answered with status {response.status_code}"
            return ProviderError(ErrorKind.SERVER, words)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            words = f"answered with status {response.status_code}: is the base_url right?"
            return ProviderError(ErrorKind.MALFORMED, words)
        return refused(response.status_code, _document(response), response.headers, self._key)


def _told(error: Exception) -> Exception:
    """What the SDK or its HTTP client says; a timeout in words that are understood."""
    cause = error.__cause__ or error
    return TimeoutError() if isinstance(cause, httpx.TimeoutException) else error


def _document(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return response.text.strip()

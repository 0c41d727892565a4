"""Sending one request, and paging through a listing, by hand and with a bound."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

from openai import Omit, OpenAI, OpenAIError, omit
from pydantic import BaseModel

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.documents import PageDocument
from tuneq_worker.providers.openai.errors import read_answer, redact, translate, without_key
from tuneq_worker.providers.openai.last_look import checked

PAGE = 100
"""Entries asked for at once."""
MAX_PAGES = 1000
"""A listing longer than this does not end by itself."""

Document = TypeVar("Document", bound=BaseModel)
Entry = dict[str, Any]


class _Answer(Protocol):
    @property
    def content(self) -> bytes: ...


class Caller:
    """Base of the adapter's parts: one client, whose errors become the port's."""

    def __init__(
        self, account: str, client: OpenAI, credential: Credential, capabilities: Capabilities
    ) -> None:
        self._account = account
        self._client = client
        self._credential = credential
        self._capabilities = capabilities

    @property
    def _key(self) -> str:
        """What must be shown nowhere."""
        return self._credential.secret

    def _fetch(self, send: Callable[[], _Answer], check: Check | None = None) -> bytes:
        """Send once, unless the check objects; the body of a good answer, without the key."""
        self._credential.headers()  # what goes wrong here went wrong before anything was sent
        try:
            with checked(check):
                return without_key(send().content, self._key)
        except OpenAIError as error:
            failure = translate(error, self._account, self._key)
        except ValueError as error:  # the SDK takes no id that is no part of an address
            failure = ProviderError(ErrorKind.MALFORMED, redact(str(error), self._key))
        raise failure

    def _read(
        self, document: type[Document], send: Callable[[], _Answer], check: Check | None = None
    ) -> Document:
        """Send once, unless the check objects, and read the answer."""
        return read_answer(document, self._fetch(send, check))

    def _pages(self, send: Callable[[str | Omit], _Answer]) -> Iterator[list[Entry]]:
        """The entries page by page, each entry once, to the end of the listing.

        Raises:
            ProviderError: a request failed, or the listing did not end, or did not go on though
                it said so: what is further back was not seen.
        """
        seen: set[str] = set()
        after: str | Omit = omit
        for _ in range(MAX_PAGES):
            page = self._read(PageDocument, partial(send, after))
            entries = page.data or []
            fresh = [entry for entry in entries if str(entry.get("id")) not in seen]
            if fresh:
                yield fresh
            last = fresh[-1].get("id") if fresh else None
            if page.has_more and not isinstance(last, str):
                raise ProviderError(ErrorKind.MALFORMED, "a listing says it goes on, and does not")
            if page.has_more is False or not isinstance(last, str):
                return
            seen.update(str(entry.get("id")) for entry in fresh)
            after = last
        raise ProviderError(ErrorKind.MALFORMED, f"a listing did not end in {MAX_PAGES} pages")

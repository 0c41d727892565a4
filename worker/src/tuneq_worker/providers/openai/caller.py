"""Sending one request, and paging through a listing, by hand and with a bound."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

from openai import Omit, OpenAI, OpenAIError, omit
from pydantic import BaseModel

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.documents import PageDocument
from tuneq_worker.providers.openai.errors import read_answer, translate

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

    def __init__(self, account: str, client: OpenAI, key: str) -> None:
        self._account = account
        self._client = client
        self._key = key

    def _fetch(self, send: Callable[[], _Answer]) -> bytes:
        """Send once; the body of a good answer."""
        try:
            return send().content
        except OpenAIError as error:
            failure = translate(error, self._account, self._key)
        raise failure

    def _read(self, document: type[Document], send: Callable[[], _Answer]) -> Document:
        """Send once and read the answer."""
        return read_answer(document, self._fetch(send))

    def _pages(self, send: Callable[[str | Omit], _Answer]) -> Iterator[list[Entry]]:
        """The entries page by page, each entry once, as long as pages bring new ones.

        Raises:
            ProviderError: a request failed, or the listing did not end.
        """
        seen: set[object] = set()
        after: str | Omit = omit
        for _ in range(MAX_PAGES):
            page = self._read(PageDocument, partial(send, after))
            entries = page.data or []
            fresh = [entry for entry in entries if entry.get("id") not in seen]
            if not fresh:
                return
            yield fresh
            last = fresh[-1].get("id")
            if page.has_more is False or not isinstance(last, str):
                return
            seen.update(entry.get("id") for entry in fresh)
            after = last
        raise ProviderError(ErrorKind.MALFORMED, f"a listing did not end in {MAX_PAGES} pages")

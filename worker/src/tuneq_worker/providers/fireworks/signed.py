"""Addresses that are signed for whoever knows them: without our key, and told to nobody."""

from collections.abc import Callable
from http import HTTPStatus
from typing import BinaryIO
from weakref import finalize

import httpx

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.fireworks.transport import plain_client
from tuneq_worker.providers.origins import may_be_called


class SignedAddresses:
    """Fetches from, and sends to, addresses that an account has signed."""

    def __init__(self, base_url: str, timeout_s: float) -> None:
        self._base_url = base_url
        self._client = plain_client(timeout_s)
        finalize(self, self._client.close)

    def get(self, url: str) -> bytes:
        """What lies there."""
        return self._call(url, lambda: self._client.get(url))

    def put(self, url: str, content: BinaryIO, size: int) -> None:
        """Send a file there, whose length the signature fixes."""
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(size),
            "x-goog-content-length-range": f"{size},{size}",
        }
        self._call(url, lambda: self._client.put(url, content=content, headers=headers))

    def _call(self, url: str, send: Callable[[], httpx.Response]) -> bytes:
        """The body of a good answer.

        Raises:
            ProviderError: none came. That a signature has run out is no word about our key: a
                new one is had by asking again.
        """
        if not may_be_called(url, self._base_url):
            raise ProviderError(ErrorKind.MALFORMED, "the signed address is none to be called")
        try:
            answer = send()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            words = f"the signed address cannot be reached: {type(error).__name__}"
            failure = ProviderError(ErrorKind.NETWORK, words)
        else:
            if answer.is_success:
                return answer.content
            gone = answer.status_code == HTTPStatus.NOT_FOUND
            kind = ErrorKind.NOT_FOUND if gone else ErrorKind.SERVER
            words = f"the signed address answered with status {answer.status_code}"
            failure = ProviderError(kind, words)
        raise failure

"""Answers that come drop by drop: each drop is in time, and the whole would never be."""

import time
from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore2

WHOLE = 20
"""After so many timeouts an answer must be whole, however it comes."""

WHOLE_PURCHASE = 1
"""The same where a job is bought: after connecting and sending, the grace allows for no more."""


def follows(whole: float) -> bool:
    """Whether redirects are followed: where a job is bought, each would take its own time."""
    return whole != WHOLE_PURCHASE


def bound(client: Any, seconds: float, late: type[Exception] = httpcore2.ReadTimeout) -> None:
    """Have a client give up an answer, head and body, that takes longer than that.

    The time counts from the last piece of the request on: a large file may take as long as it does.

    Args:
        client: Of httpx2, or of httpx, which is built alike.
        seconds: From then on.
        late: What the client takes for an answer that did not come in time.
    """
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001 - no other way in: an answer's head is read below all hooks
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = _Backend(pool._network_backend, seconds, late)  # noqa: SLF001 - as above


class _Backend(httpcore2.NetworkBackend):
    """Connections whose answers are bounded; the addresses are TCP's alone."""

    def __init__(
        self, inner: httpcore2.NetworkBackend, seconds: float, late: type[Exception]
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._late = late

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        return _Stream(stream, self._seconds, self._late)


class _Stream(httpcore2.NetworkStream):
    def __init__(
        self, inner: httpcore2.NetworkStream, seconds: float, late: type[Exception]
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._late = late
        self._until = time.monotonic() + seconds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._late("the answer does not end")
        return self._inner.read(max_bytes, left if timeout is None else min(timeout, left))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)
        self._until = time.monotonic() + self._seconds

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return _Stream(inner, self._seconds, self._late)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

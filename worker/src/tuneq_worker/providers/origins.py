"""Where requests go: what lets them in goes to an account's own server, and to no other."""

from collections.abc import Callable
from typing import Any

import httpx2

from tuneq_worker.providers.openai.credentials import Credential

AUTHORIZATION = "Authorization"

_LAST_PORT = 65_535

Origin = tuple[str, str, int | None]


def origin(url: str) -> Origin | None:
    """Scheme, host and port of an address, however it is written; none where it is none."""
    try:
        read = httpx2.URL(url)
    except httpx2.InvalidURL:
        return None
    is_one = read.host and (read.port or 0) <= _LAST_PORT
    return (read.scheme, read.host, read.port) if is_one else None


def may_be_called(url: str, base_url: str) -> bool:
    """Whether an address that a provider hands out is encrypted, or of the account's own server."""
    found = origin(url)
    return found is not None and (found[0] == "https" or found == origin(base_url))


def authorising(credential: Credential, base_url: str) -> Callable[[Any], None]:
    """A client's hook: whatever else the SDK or the environment says, this lets requests in.

    It is called for redirects, too: what lets in here stays behind where one leads elsewhere.

    Args:
        credential: What lets in.
        base_url: The account's own server.

    Returns:
        A hook for requests of httpx2, or of httpx, which is built alike.
    """
    own = origin(base_url)

    def authorise(request: Any) -> None:
        lets_in = credential.headers()
        for name in (AUTHORIZATION, *lets_in):
            request.headers.pop(name, None)
        if own is not None and origin(str(request.url)) == own:
            request.headers.update(lets_in)

    return authorise

"""Clients of one account: no retries, and nothing from an environment meant for another."""

import os
from collections.abc import Mapping
from ssl import SSLContext
from typing import Protocol, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary, finalize

import httpx2
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from openai import DefaultHttpxClient, Omit, OpenAI

from tuneq_shared.errors import ConfigurationError
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.dripping import WHOLE, bound, follows
from tuneq_worker.providers.openai.last_look import look_last
from tuneq_worker.providers.origins import AUTHORIZATION, authorising

_OWN_DOMAIN = "openai.com"
_SDK_HEADERS = "x-stainless-"  # about the SDK's own way of sending
_NO_KEY = "none"  # the SDK wants one; each request gets the credential's headers instead


class _Client(Protocol):
    """Of whichever SDK: they are built alike."""

    @property
    def default_headers(self) -> Mapping[str, object]:
        """What it says of itself with every request."""
        ...


_TRUSTS: WeakKeyDictionary[_Client, SSLContext] = WeakKeyDictionary()


def sync_client(
    base_url: str, credential: Credential, timeout_s: float, whole: float = WHOLE
) -> OpenAI:
    """A client for files and jobs, whose answers are whole after so many timeouts at most."""
    hooks = [authorising(credential, base_url), look_last]
    http_client = DefaultHttpxClient(
        timeout=timeout_s, event_hooks={"request": hooks}, follow_redirects=follows(whole)
    )
    bound(http_client, whole * timeout_s)
    client = OpenAI(
        base_url=base_url,
        api_key=_NO_KEY,
        admin_api_key="",  # keeps it from reading OPENAI_ADMIN_KEY
        default_headers=_headers(base_url),
        timeout=timeout_s,
        max_retries=0,
        http_client=http_client,
    )
    finalize(client, http_client.close)  # as it does with a client of its own
    return client


def chat_session(client: _Client, timeout_s: float, connections: int) -> ClientSession:
    """A session for chat with the trust and the headers of a client, less what lets requests in.

    Close it after use. It keeps no cookies, and reads no names or passwords from a netrc file.
    """
    said = client.default_headers.items()
    headers = {name: value for name, value in said if isinstance(value, str)}
    headers.pop(AUTHORIZATION, None)
    return ClientSession(
        connector=TCPConnector(limit=connections, ssl=_trust(client)),
        headers={n: v for n, v in headers.items() if not n.lower().startswith(_SDK_HEADERS)},
        timeout=ClientTimeout(total=WHOLE * timeout_s, sock_connect=timeout_s, sock_read=timeout_s),
        cookie_jar=DummyCookieJar(),
    )


def _trust(client: _Client) -> SSLContext:
    """Read once for each client, as its own is: certificates take 30 ms, and lines are many."""
    trust = _TRUSTS.get(client)
    if trust is None:
        trust = _TRUSTS[client] = httpx2.create_ssl_context()
    return trust


def proxy_for(url: str) -> str | None:
    """The proxy that the environment or the system names for an address, as the SDK takes it.

    Raises:
        ConfigurationError: it is of a kind that chat does not speak.
    """
    address, known = urlsplit(url), getproxies()
    proxy = known.get(address.scheme) or known.get("all")
    if not proxy or proxy_bypass(address.hostname or ""):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if urlsplit(proxy).scheme not in {"http", "https"}:
        raise ConfigurationError(
            f"the proxy for {address.scheme}:// is none of HTTP",
            hint="name one that begins with http:// in HTTPS_PROXY, or the host in NO_PROXY",
        )
    return proxy


def headers_of_environment(vendor: str) -> list[str]:
    """Names of the headers that a vendor's SDK takes from the environment, as they are written."""
    custom = os.environ.get(f"{vendor}_CUSTOM_HEADERS", "").split("\n")
    return [line.partition(":")[0].strip() for line in custom if ":" in line]


def _headers(base_url: str) -> dict[str, str]:
    """Headers that outrank those the SDK takes from OPENAI_* variables.

    Organization, project and custom headers of the environment are OpenAI's own.
    """
    headers: dict[str, str | Omit] = {}
    if not _is_openai(base_url):
        names = headers_of_environment("OPENAI")
        headers = dict.fromkeys([*names, "OpenAI-Organization", "OpenAI-Project"], Omit())
    kept = {n: value for n, value in headers.items() if n.lower() != AUTHORIZATION.lower()}
    # The SDK takes Omit for "send no such header", though its signature speaks of texts alone.
    return cast("dict[str, str]", {**kept, AUTHORIZATION: _NO_KEY})


def _is_openai(base_url: str) -> bool:
    host = httpx2.URL(base_url).host
    return host == _OWN_DOMAIN or host.endswith(f".{_OWN_DOMAIN}")

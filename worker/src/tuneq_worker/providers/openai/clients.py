"""Clients of one account: no retries, and nothing from an environment meant for another."""

import os
from typing import cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import finalize

import httpx2
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from openai import DefaultHttpxClient, Omit, OpenAI

from tuneq_shared.errors import ConfigurationError
from tuneq_worker.providers.openai.dripping import WHOLE, bound
from tuneq_worker.providers.openai.last_look import look_last

_OWN_DOMAIN = "openai.com"
_SDK_HEADERS = "x-stainless-"  # about the SDK's own way of sending


def sync_client(base_url: str, key: str, timeout_s: float, whole: float = WHOLE) -> OpenAI:
    """A client for files and jobs, whose answers are whole after so many timeouts at most."""
    http_client = DefaultHttpxClient(timeout=timeout_s, event_hooks={"request": [look_last]})
    bound(http_client, whole * timeout_s)
    client = OpenAI(
        base_url=base_url,
        api_key=key,
        admin_api_key="",  # keeps it from reading OPENAI_ADMIN_KEY
        default_headers=_headers(base_url, key),
        timeout=timeout_s,
        max_retries=0,
        http_client=http_client,
    )
    finalize(client, http_client.close)  # as it does with a client of its own
    return client


def chat_session(client: OpenAI, timeout_s: float, connections: int) -> ClientSession:
    """A session for chat with the headers and the trust of a client; close it after use.

    It keeps no cookies, and reads no names or passwords from a netrc file.
    """
    said = client.default_headers.items()
    headers = {name: value for name, value in said if isinstance(value, str)}
    return ClientSession(
        connector=TCPConnector(limit=connections, ssl=httpx2.create_ssl_context()),
        headers={n: v for n, v in headers.items() if not n.lower().startswith(_SDK_HEADERS)},
        timeout=ClientTimeout(total=WHOLE * timeout_s, sock_connect=timeout_s, sock_read=timeout_s),
        cookie_jar=DummyCookieJar(),
    )


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


def _headers(base_url: str, key: str) -> dict[str, str]:
    """Headers that outrank those the SDK takes from OPENAI_* variables.

    Organization, project and custom headers of the environment are OpenAI's own; the key is ours
    in any case, whatever OPENAI_CUSTOM_HEADERS says.
    """
    headers: dict[str, str | Omit] = {}
    if not _is_openai(base_url):
        custom = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
        names = [line.partition(":")[0].strip() for line in custom if ":" in line]
        headers = dict.fromkeys([*names, "OpenAI-Organization", "OpenAI-Project"], Omit())
    kept = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    # The SDK takes Omit for "send no such header", though its signature speaks of texts alone.
    return cast("dict[str, str]", {**kept, "Authorization": f"Bearer {key}"})


def _is_openai(base_url: str) -> bool:
    host = httpx2.URL(base_url).host
    return host == _OWN_DOMAIN or host.endswith(f".{_OWN_DOMAIN}")

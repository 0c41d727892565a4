"""SDK clients of one account: no retries, and nothing from an environment meant for another."""

import os
from typing import cast

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient, Omit, OpenAI

_OWN_DOMAIN = "openai.com"


def sync_client(base_url: str, key: str, timeout_s: float) -> OpenAI:
    """A client for files and jobs."""
    return OpenAI(
        base_url=base_url,
        api_key=key,
        admin_api_key="",  # keeps it from reading OPENAI_ADMIN_KEY
        default_headers=_headers(base_url, key),
        timeout=timeout_s,
        max_retries=0,
    )


def async_client(base_url: str, key: str, timeout_s: float, connections: int) -> AsyncOpenAI:
    """A client for chat on aiohttp, with so many connections; close it after use."""
    limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
    return AsyncOpenAI(
        base_url=base_url,
        api_key=key,
        admin_api_key="",
        default_headers=_headers(base_url, key),
        timeout=timeout_s,
        max_retries=0,
        http_client=DefaultAioHttpClient(limits=limits, timeout=timeout_s),
    )


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

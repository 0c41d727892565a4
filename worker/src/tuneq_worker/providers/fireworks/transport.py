"""Clients of one account: no retries, bounded answers, and nothing from the environment."""

import ssl
from functools import cache
from typing import cast
from weakref import finalize

import httpcore
import httpx
import httpx2
from fireworks import DefaultHttpxClient, Fireworks
from fireworks._types import Omit

from tuneq_worker.providers.openai.clients import headers_of_environment
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.dripping import WHOLE, bound, follows
from tuneq_worker.providers.openai.last_look import look_last
from tuneq_worker.providers.origins import authorising

_NO_KEY = "none"  # the SDK wants one; each request gets the credential's headers instead


def sdk_client(
    base_url: str, credential: Credential, account_id: str, timeout_s: float, whole: float = WHOLE
) -> Fireworks:
    """Their client, whose answers are whole after so many timeouts at most."""
    http_client = DefaultHttpxClient(
        timeout=timeout_s,
        verify=_trust(),
        event_hooks={"request": [authorising(credential, base_url), look_last]},
        follow_redirects=follows(whole),
    )
    bound(cast("httpx2.Client", http_client), whole * timeout_s, httpcore.ReadTimeout)
    client = Fireworks(
        api_key=_NO_KEY,
        account_id=account_id,
        base_url=base_url,
        timeout=timeout_s,
        max_retries=0,
        # The SDK takes Omit for "send no such header", though its signature speaks of texts alone.
        default_headers=cast(
            "dict[str, str]", dict.fromkeys(headers_of_environment("FIREWORKS"), Omit())
        ),
        http_client=http_client,
    )
    finalize(client, http_client.close)  # as it does with a client of its own
    return client


def plain_client(timeout_s: float) -> httpx.Client:
    """A client without any key, for addresses elsewhere that are signed for whoever knows them."""
    client = httpx.Client(timeout=timeout_s, verify=_trust())
    bound(cast("httpx2.Client", client), WHOLE * timeout_s, httpcore.ReadTimeout)
    return client


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that the rest of tuneq trusts, not a list that comes with httpx."""
    return httpx2.create_ssl_context()

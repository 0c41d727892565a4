"""Clients of one account: no retries, and nothing from the environment."""

from typing import Any, cast
from weakref import finalize

import httpcore
import httpx
from together import Omit, Together

from tuneq_worker.providers.openai.clients import headers_of_environment
from tuneq_worker.providers.openai.credentials import Credential
from tuneq_worker.providers.openai.dripping import WHOLE, bound, follows
from tuneq_worker.providers.openai.last_look import look_last
from tuneq_worker.providers.origins import authorising

_VERSION = "/v1"  # the SDK puts one into each path


def client_for(
    base_url: str, credential: Credential, timeout_s: float, whole: float = WHOLE
) -> Together:
    """A client for files, jobs and deployments.

    Its answers are whole after so many timeouts at most.
    """
    server = base_url.rstrip("/").removesuffix(_VERSION)  # given with or without it
    hooks: list[Any] = [authorising(credential, server), look_last]
    http_client = httpx.Client(
        timeout=timeout_s, event_hooks={"request": hooks}, follow_redirects=follows(whole)
    )
    bound(http_client, whole * timeout_s, httpcore.ReadTimeout)
    client = Together(
        project_id="",  # keeps it from reading TOGETHER_PROJECT_ID
        api_key="none",  # each request gets the credential's headers instead
        base_url=server,
        timeout=timeout_s,
        max_retries=0,
        # The SDK takes Omit for "send no such header", though its signature speaks of texts alone.
        default_headers=cast(
            "dict[str, str]", dict.fromkeys(headers_of_environment("TOGETHER"), Omit())
        ),
        http_client=http_client,
    )
    finalize(client, http_client.close)  # as it does with a client of its own
    return client

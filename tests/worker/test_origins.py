"""Which server an address means, and which of those that are handed out may be called."""

import httpx
import httpx2
import pytest

from tuneq_worker.providers.openai.credentials import Bearer
from tuneq_worker.providers.origins import authorising, may_be_called, origin

OWN = "https://API.example.org/v1"


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://api.example.org:443/x", True),
        ("https://u:p@api.example.org", True),
        ("https://api.example.org:8443/x", False),
        ("http://api.example.org/x", False),
        ("https://api.example.org.evil.net/x", False),
        ("https://other.org/api.example.org", False),
    ],
)
def test_what_lets_in_goes_to_the_own_server_alone(url: str, is_own: bool) -> None:
    authorise = authorising(Bearer("secret"), OWN)
    assert (origin(url) == origin(OWN)) is is_own
    for request in (httpx.Request("GET", url), httpx2.Request("GET", url)):
        request.headers["authorization"] = "of the SDK"
        authorise(request)
        assert request.headers.get("authorization") == ("Bearer secret" if is_own else None)


@pytest.mark.parametrize(
    ("url", "base_url", "may"),
    [
        ("https://storage.net/x", OWN, True),
        ("http://storage.net/x", OWN, False),
        ("http://lab:80/x", "http://LAB", True),
        ("ftp://lab/x", "http://lab", False),
        *((odd, OWN, False) for odd in ("", "/x", "https:///x", "http://[x", "https://x:99999999")),
    ],
)
def test_an_address_that_is_handed_out_is_encrypted_or_ours(
    url: str, base_url: str, may: bool
) -> None:
    assert may_be_called(url, base_url) is may

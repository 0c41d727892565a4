"""Redis URLs: what may be shown of them, and what is wrong with them."""

import pytest

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.redis_store.connection import connect, without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:1/0", "redis://host:1/0"),
        ("redis://:hush@host:1/0", "redis://host:1/0"),
        ("rediss://user:hush@host:1/0?ssl_cert_reqs=none", "rediss://host:1/0"),
        ("redis://:12/34hush@host:1/0", "redis://..."),
        ("redis://:12#hush@host:1/0", "redis://..."),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize("url", ["http://host", "redis://:12/34hush@host:1/0", "hush"])
def test_a_url_that_is_none_is_not_quoted(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connect(url)
    assert "hush" not in f"{caught.value} {caught.value.hint}"

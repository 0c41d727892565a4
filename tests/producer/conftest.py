"""What the producer's tests share."""

from pathlib import Path

import pytest
from tests.producer.producer_site import Site, make_site


@pytest.fixture
def site(
    tmp_path: Path, redis_url: str, store_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Site:
    """A producer's folder, which is the current one, with a Redis of its own prefix."""
    site = make_site(tmp_path, redis_url, store_prefix)
    monkeypatch.setenv("TUNEQ_CONFIG", str(tmp_path / "tuneq.toml"))
    monkeypatch.chdir(tmp_path)
    return site

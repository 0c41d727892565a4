"""What all tests share."""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from redis import ConnectionPool

from tuneq_producer.client import Client, open_client
from tuneq_sandbox.redis_server import EmbeddedRedis
from tuneq_shared.redis_store.connection import connect

_DEFAULT = Path(__file__).parents[1].parent / "shared"
_AT_ONCE = 3  # processes that share the whole suite: the tests wait as much as they work
_LONG = {"e2e", "faults"}  # folders

# How long an example takes depends on what else the machine does.
settings.register_profile(
    "tuneq", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tuneq")


def pytest_configure() -> None:
    """Let what the tests start find compiled what the first of its kind has compiled."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Share the whole suite; what is named on the command line runs in this process."""
    return 0 if config.args_source is pytest.Config.ArgsSource.ARGS else _AT_ONCE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that none of them is left to one process in the end."""
    items.sort(key=lambda item: item.path.parent.name not in _LONG)


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of the reference data, which is not part of the project."""
    folder = Path(os.environ.get("TUNEQ_REFERENCE_DIR") or _DEFAULT) / "data"
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}: set TUNEQ_REFERENCE_DIR")
    return folder


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One embedded Redis server for the whole session."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture(autouse=True)
def no_socket_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test's Redis clients have opened, before the collector complains of it.

    Those of other threads are left alone: they may be at work for another test.
    """
    pools: list[ConnectionPool] = []
    begin, here = ConnectionPool.__init__, threading.get_ident()

    def noted(pool: ConnectionPool, *args: Any, **options: Any) -> None:
        begin(pool, *args, **options)
        if threading.get_ident() == here:
            pools.append(pool)

    monkeypatch.setattr(ConnectionPool, "__init__", noted)
    yield
    for pool in pools:
        pool.disconnect()


@pytest.fixture
def store_prefix() -> str:
    """A key prefix that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def client(
    redis_url: str, store_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """What commands of the producer that run in this process open, too; all is closed after it."""
    config = tmp_path / "tuneq.toml"
    config.write_text(
        f'redis_url = "{redis_url}"\nkey_prefix = "{store_prefix}"\ndata_url = "data"\n'
        'default_account = "sandbox"\n[accounts.sandbox]\nbase_url = "http://127.0.0.1:9/v1"\n'
    )
    monkeypatch.setenv("TUNEQ_CONFIG", str(config))
    with ExitStack() as opened:
        monkeypatch.setattr(
            "tuneq_producer.client.connect", lambda url: opened.enter_context(connect(url))
        )
        yield open_client()

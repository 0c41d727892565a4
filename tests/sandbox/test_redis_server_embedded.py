import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from tests.sandbox.processes_support import is_running, parent, until_gone

from tuneq_sandbox.processes.child import ChildFailedError
from tuneq_sandbox.redis_server import EmbeddedRedis, ensure_redis
from tuneq_sandbox.redis_server.binary import find_binary
from tuneq_shared.errors import ConfigurationError, ConflictError, RedisUnreachableError
from tuneq_shared.redis_store.connection import without_password

PARENT = """
import sys, time
from pathlib import Path
from tuneq_sandbox.redis_server import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1])).start()
print(server.child.pid, server.url)
time.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "redis") as started:
        yield started


@pytest.fixture
def client(server: EmbeddedRedis) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(server.url, decode_responses=True) as connected:
        yield connected


def test_a_password_is_required(server: EmbeddedRedis) -> None:
    url = without_password(server.url)
    assert "@" not in url
    with redis.Redis.from_url(url) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_it_keeps_everything_and_listens_on_loopback_only(client: redis.Redis) -> None:
    wanted = {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
    }
    assert {key: client.config_get(key)[key] for key in wanted} == wanted


def test_its_folder_is_private_and_arguments_hold_no_password(server: EmbeddedRedis) -> None:
    folder = server.child.command.log.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("password", "redis.conf", "redis.log", "server.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name
    password = (folder / "password").read_text().strip()
    assert password in server.url
    assert not any(password in argument for argument in server.child.command.argv)


def test_data_and_address_survive_a_stop_and_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" folder'
    urls = set()
    for start in range(3):
        with EmbeddedRedis(folder) as server, redis.Redis.from_url(server.url) as client:
            urls.add(server.url)
            assert client.incr("starts") == start + 1
            if start == 1:
                server.child.kill()
                until_gone(server.child.pid)
    assert len(urls) == 1


def test_another_port_is_used_where_the_former_is_taken(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        former = urlsplit(server.url).port
    with socket.create_server(("127.0.0.1", former)), EmbeddedRedis(tmp_path) as server:
        assert urlsplit(server.url).port != former


def test_a_second_server_on_the_folder_is_refused(server: EmbeddedRedis) -> None:
    folder = server.child.command.log.parent
    with pytest.raises(ConflictError, match=f"{folder} is in use"):
        EmbeddedRedis(folder).start()
    assert server.child.returncode is None


def test_killing_the_parent_ends_the_server_and_frees_the_folder(tmp_path: Path) -> None:
    with parent(PARENT, tmp_path) as (process, (pid, url)):
        with redis.Redis.from_url(url) as client:
            client.set("kept", "1")
        os.kill(process.pid, signal.SIGKILL)
        # At once: the new one waits for the end of the old one.
        with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
            assert not is_running(int(pid))
            assert client.get("kept") == b"1"


def test_a_server_that_cannot_start_says_why_and_frees_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'out of inodes'; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=os.pathsep)
    with pytest.raises(ChildFailedError, match="out of inodes"):
        EmbeddedRedis(tmp_path / "redis").start()
    monkeypatch.undo()
    with EmbeddedRedis(tmp_path / "redis"):
        pass


def test_a_server_on_path_comes_before_the_one_brought_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    brought = find_binary()
    assert brought.is_file()
    shutil.copy(brought, tmp_path / "valkey-server")
    assert find_binary() == tmp_path / "valkey-server"


def test_a_configured_redis_is_used_and_nothing_started(
    server: EmbeddedRedis, tmp_path: Path
) -> None:
    running = ensure_redis(server.url, tmp_path / "unused")
    assert running.url == server.url
    assert running.server is None
    assert not (tmp_path / "unused").exists()


def test_without_a_configured_redis_one_is_started(tmp_path: Path) -> None:
    running = ensure_redis(None, tmp_path)
    assert running.server is not None
    assert running.url == running.server.url
    running.server.stop()
    running.server.stop()


def test_a_configured_redis_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # without listening
        url = f"redis://:s3cret@127.0.0.1:{silent.getsockname()[1]}/0"
        with pytest.raises(RedisUnreachableError, match="cannot be reached") as caught:
            ensure_redis(url, tmp_path)
    assert "s3cret" not in caught.value.message
    assert caught.value.hint


def test_a_wrong_password_is_an_error(server: EmbeddedRedis, tmp_path: Path) -> None:
    url = server.url.replace("redis://:", "redis://:wrong")
    with pytest.raises(RedisUnreachableError) as caught:
        ensure_redis(url, tmp_path)
    assert "wrong" not in caught.value.message.replace("WRONGPASS", "")


def test_a_configured_url_of_another_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        ensure_redis("http://127.0.0.1:6379", tmp_path)

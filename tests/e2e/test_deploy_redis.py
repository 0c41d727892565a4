"""deploy/redis.conf and its start script, with the embedded server in the image's place."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from tests.e2e.deploy_dockerfile import REPO
from tests.sandbox.processes_support import until

from tuneq_producer.doctor.finding import Status
from tuneq_producer.doctor.redis_server import check_redis
from tuneq_sandbox.processes.ports import start_on_free_port
from tuneq_sandbox.redis_server.binary import find_binary
from tuneq_shared.settings import Settings

SCRIPT = REPO / "deploy" / "start-redis.sh"
PASSWORD = "aB3._~-"


@pytest.fixture
def image(tmp_path: Path) -> dict[str, str]:
    """The environment of a place like the image: its entry point, and `valkey-server`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    entrypoint = programs / "docker-entrypoint.sh"
    entrypoint.write_text('#!/bin/sh\nexec "$@"\n')
    entrypoint.chmod(0o755)
    (programs / "valkey-server").symlink_to(find_binary())
    return {"PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C"}


@contextmanager
def served(environment: Mapping[str, str], folder: Path, port: int) -> Iterator[list[str]]:
    """The server, started as the container does it; gives its process's arguments."""
    configuration = (REPO / "deploy" / "redis.conf").read_text()
    configuration = configuration.replace("port 6379", f"port {port}\nbind 127.0.0.1")
    (folder / "redis.conf").write_text(configuration.replace("dir /data", f"dir {folder}"))
    with subprocess.Popen(
        ["sh", str(SCRIPT)],
        env={**environment, "REDIS_PASSWORD": PASSWORD, "REDIS_CONF": str(folder / "redis.conf")},
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            with redis.Redis(port=port, password=PASSWORD) as client:
                until(lambda: server.poll() is not None or answers(client), "the server")
            assert server.returncode is None
            told = subprocess.check_output(["ps", "-o", "args=", "-p", str(server.pid)], text=True)
            yield told.split()
        finally:
            server.terminate()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_the_server_keeps_everything_wants_the_password_and_never_shows_it(
    image: dict[str, str], tmp_path: Path
) -> None:
    def look(port: int) -> None:
        with served(image, tmp_path, port) as arguments:
            assert arguments[0].endswith("valkey-server")
            assert PASSWORD not in " ".join(arguments)
            with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
                stranger.ping()
            url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
            findings = list(check_redis(Settings(redis_url=url)))
            judged = {finding.message: finding.status for finding in findings}
            assert judged["append-only file is on"] is Status.OK
            assert any(message.startswith("evicts nothing") for message in judged)
            with redis.Redis.from_url(url, decode_responses=True) as client:
                client.set("kept", "yes")
                assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        with served(image, tmp_path, port), redis.Redis.from_url(url) as client:
            assert client.get("kept") == b"yes"

    start_on_free_port(look, favourite=None)


@pytest.mark.parametrize("password", ["", "a b", "a@b", 'a"b', "a\nrequirepass b", "a/b"])
def test_a_password_that_cannot_stand_in_a_url_is_refused(
    image: dict[str, str], password: str
) -> None:
    refused = subprocess.run(
        ["sh", str(SCRIPT)],
        env={**image, "REDIS_PASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "REDIS_PASSWORD" in refused.stderr

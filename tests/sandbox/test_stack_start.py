import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
import redis
from celery import Celery
from tests.sandbox.processes_support import is_running, parent, until, until_gone

from tuneq_sandbox.processes.child import Child, ChildFailedError
from tuneq_sandbox.redis_server import EmbeddedRedis
from tuneq_sandbox.stack import Role, Stack, configured_redis_url
from tuneq_shared.dialects import Dialect
from tuneq_shared.errors import ConflictError, RedisUnreachableError
from tuneq_shared.settings import load_settings

PROVIDER = """
import argparse, http.server, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--dir")
parser.add_argument("--port", type=int)
parser.add_argument("--dialect")
parser.add_argument("--keys-env")
given = parser.parse_args()
assert os.environ[given.keys_env]
server = http.server.HTTPServer(("127.0.0.1", given.port), http.server.BaseHTTPRequestHandler)
print("a line before")
url = f"http://127.0.0.1:{given.port}/v1"
print(json.dumps({"event": "ready", "url": url}), flush=True)
server.serve_forever()
"""
APP = """
import os
from celery import Celery
from tuneq_shared.settings import load_settings
app = Celery(broker=load_settings().redis_url)
app.conf.broker_connection_retry_on_startup = True
app.conf.task_ignore_result = True

@app.task(name="tiny.mark")
def mark(path):
    open(path, "w").write(str(os.getpid()))
"""
ROLES = (Role(name="worker", queue="runs", count=1, concurrency=1),)
PARENT = """
import sys, time
from pathlib import Path
from tests.sandbox.test_stack_start import ROLES, stack
made = stack(Path(sys.argv[1]), roles=ROLES)
made.start()
print(*(child.pid for child in made._supervisor.children))
time.sleep(600)
"""
UP = """
import sys
from tests.sandbox.test_stack_start import *
from tuneq_sandbox.commands import up
up.Stack = lambda folder, roles, **given: stack(folder, roles=roles, **given)
up.up()
"""


def stack(
    folder: Path,
    *,
    roles: Sequence[Role] = (),
    redis_url: str | None = None,
    provider_port: int | None = None,
    dialect: Dialect = "openai",
) -> Stack:
    return Stack(
        folder,
        roles=roles,
        redis_url=redis_url,
        provider_port=provider_port,
        dialect=dialect,
        provider_module="tiny_provider",
        celery_app="tiny_app",
    )


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "tiny_provider.py").write_text(PROVIDER)
    (folder / "tiny_app.py").write_text(APP)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("TUNEQ_CONFIG", "TUNEQ_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "stack"


@pytest.fixture
def lone_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path / "lone") as server:
        yield server


def child_of(made: Stack, name: str) -> Child:
    (child,) = (c for c in made._supervisor.children if c.command.name == name)
    return child


def test_the_configuration_names_everything_and_is_private(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stack(folder) as made:
        config = folder / "tuneq.toml"
        assert config.stat().st_mode & 0o777 == 0o600
        assert (folder / "sandbox.key").stat().st_mode & 0o777 == 0o600
        assert tomllib.loads(config.read_text())["data_url"] == "./data"
        monkeypatch.setenv("TUNEQ_CONFIG", str(config))
        settings = load_settings()
        with redis.Redis.from_url(settings.redis_url) as client:
            assert client.ping()
    assert settings.data_url == str(folder / "data")
    assert settings.default_account == "sandbox"
    assert settings.lease_s == 10
    account = settings.accounts["sandbox"]
    port = account.base_url.removeprefix("http://127.0.0.1:").removesuffix("/v1")
    assert port in child_of(made, "provider").command.argv
    assert account.limits.poll_interval_s == 0.5


def test_addresses_and_key_stay_over_a_restart(folder: Path) -> None:
    seen = set()
    for _ in range(2):
        made = stack(folder)
        addresses = made.start()
        made.stop()
        made.stop()
        seen.add((addresses.redis_url, addresses.sandbox_url, (folder / "sandbox.key").read_text()))
    assert len(seen) == 1


def test_parts_that_are_killed_are_started_again_at_the_same_place(folder: Path) -> None:
    made = stack(folder)
    addresses = made.start()
    for name in ("provider", "redis"):
        former = child_of(made, name)
        former.kill()
        until(partial(is_replaced, made, former), "another one")
    with redis.Redis.from_url(addresses.redis_url) as client:
        until(lambda: answers(client), "Redis again")
    port = int(addresses.sandbox_url.split(":")[2].removesuffix("/v1"))
    until(lambda: connects(port), "the provider again")
    made.stop()


def is_replaced(made: Stack, former: Child) -> bool:
    children = made._supervisor.children
    return former not in children and len(children) == 2


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_second_stack_in_the_folder_is_refused(folder: Path) -> None:
    with stack(folder) as made:
        with pytest.raises(ConflictError, match=f"{folder} is in use"):
            stack(folder).start()
        assert all(child.returncode is None for child in made._supervisor.children)


def test_workers_do_their_tasks_until_their_parent_is_killed(folder: Path, tmp_path: Path) -> None:
    with parent(PARENT, folder) as (process, pids):
        assert len(pids) == 3
        mark = tmp_path / "mark"
        broker = tomllib.loads((folder / "tuneq.toml").read_text())["redis_url"]
        with Celery(broker=broker, set_as_current=False) as sender:
            sender.send_task("tiny.mark", [str(mark)], queue="runs", ignore_result=True)
        until(lambda: mark.exists() and mark.read_text(), "the task")
        os.kill(process.pid, signal.SIGKILL)
        with stack(folder):  # at once
            pass
        until_gone(*map(int, pids), int(mark.read_text()))


def test_a_worker_that_cannot_start_stops_everything_and_says_why(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "modules" / "tiny_app.py").write_text("raise RuntimeError('no such setting')")
    made = stack(folder, roles=ROLES)
    with pytest.raises(ChildFailedError, match=r"worker1 ended with exit code 2(.|\n)*setting"):
        made.start()
    assert all(not is_running(child.pid) for child in made._supervisor.children)
    with stack(folder):
        pass


def test_a_taken_provider_port_is_refused_where_it_was_asked_for(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConflictError, match=str(port)):
            stack(folder, provider_port=port).start()


def test_a_configured_redis_is_used(folder: Path, lone_redis: EmbeddedRedis) -> None:
    with stack(folder, redis_url=lone_redis.url) as made:
        assert [child.command.name for child in made._supervisor.children] == ["provider"]
        config = tomllib.loads((folder / "tuneq.toml").read_text())
        assert config["redis_url"] == lone_redis.url
        assert not (folder / "redis").exists()
    assert lone_redis.child.returncode is None


def test_a_configured_redis_that_does_not_answer_starts_nothing(folder: Path) -> None:
    made = stack(folder, redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(RedisUnreachableError):
        made.start()
    assert made._supervisor.children == []


@pytest.mark.parametrize(
    ("environment", "file", "url"),
    [
        (None, "", None),
        (None, 'redis_url = "redis://file"', "redis://file"),
        ("redis://env", 'redis_url = "redis://file"', "redis://env"),
        ("redis://env", "", "redis://env"),
    ],
)
def test_what_counts_as_a_configured_redis(
    environment: str | None,
    file: str,
    url: str | None,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    (folder.parent / "tuneq.toml").write_text(file)
    monkeypatch.chdir(folder.parent)
    if environment:
        monkeypatch.setenv("TUNEQ_REDIS_URL", environment)
    assert configured_redis_url(folder) == url


def test_the_configuration_of_an_earlier_stack_configures_no_redis(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    (folder / "tuneq.toml").write_text('redis_url = "redis://:gone@127.0.0.1:1/0"')
    monkeypatch.setenv("TUNEQ_CONFIG", str(folder / "tuneq.toml"))
    assert configured_redis_url(folder) is None
    monkeypatch.setenv("TUNEQ_REDIS_URL", "redis://env")
    assert configured_redis_url(folder) == "redis://env"


@pytest.mark.parametrize(("signum", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "0")])
def test_up_runs_until_a_signal_and_stops_everything(
    signum: signal.Signals, workers: str, folder: Path
) -> None:
    command = [sys.executable, "-c", UP, "--json", "--dir", str(folder)]
    command += ["--workers", workers, "--evaluators", workers]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"event", "redis_url", "sandbox_url", "config"}
        assert ready["event"] == "ready"
        assert ready["config"] == str(folder / "tuneq.toml")
        with redis.Redis.from_url(ready["redis_url"]) as client:
            assert client.ping()
            process.send_signal(signum)
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
            assert out == ""
            assert not answers(client)
    logs = {path.name for path in (folder / "logs").iterdir()}
    expected = {"redis.log", "provider.log"}
    assert logs == expected | ({"worker1.log", "evaluator1.log"} if workers == "1" else set())
    assert "ready to exit" in (folder / "logs" / "redis.log").read_text()


def test_a_second_signal_kills_what_does_not_stop(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "modules" / "tiny_provider.py").write_text(
        "import signal; signal.signal(15, signal.SIG_IGN)\n" + PROVIDER
    )
    command = [sys.executable, "-c", UP, "--json", "--dir", str(folder)]
    command += ["--workers", "0", "--evaluators", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.stderr.readline().startswith("stopping")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    # Killed along with the provider, it had no time to say goodbye.
    assert "ready to exit" not in (folder / "logs" / "redis.log").read_text()

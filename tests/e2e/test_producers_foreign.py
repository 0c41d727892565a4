"""Programs that know nothing but Redis submit: the examples in Node and for Celery, as they are."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.node_example import install
from tests.e2e.site import processes_of, tuneq, tuneq_up, until

from tuneq_shared.redis_store.connection import connect

EXAMPLES = Path(__file__).parents[2] / "examples"
GARBAGE = ["not JSON", "[]", '{"model": "m"}', '{"api_key": "hidden-value"}']

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"
)


@dataclass(frozen=True)
class Up:
    """What runs, and where."""

    folder: Path
    config: Path
    redis: Any
    environment: dict[str, str]  # of a producer

    def rejected(self) -> list[dict[str, str]]:
        return [told for _, told in self.redis.xrange("tuneq:requests:rejected")]

    def runs(self, group: str) -> list[dict[str, Any]]:
        listed = tuneq("ls", "--group", group, "--json", config=self.config)
        assert listed.returncode == 0, listed.stderr
        runs: list[dict[str, Any]] = json.loads(listed.stdout)["runs"]
        return runs


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("producers") / "up"
    with tuneq_up(folder, "--workers", 2, "--evaluators", 0) as ready:
        config = Path(ready["config"])
        data = config.parent / tomllib.loads(config.read_text())["data_url"]
        (data / "sets").mkdir(parents=True)
        (data / "sets" / "train.jsonl").write_text("".join(_line(n) for n in range(20)))
        environment = {**os.environ, "TUNEQ_REDIS_URL": ready["redis_url"]}
        with connect(ready["redis_url"]) as redis:
            yield Up(folder, config, redis, environment)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, installed elsewhere."""
    folder = tmp_path_factory.mktemp("node") / "example"
    install(folder)
    return folder


def test_node_submits_among_garbage_while_a_worker_is_killed(up: Up, node: Path) -> None:
    wanted = 200
    lines = []
    for n in range(wanted):
        lines.append(json.dumps(_request("node", f"run-{n}", idempotency_key=f"order-{n}")))
        if n % 5 == 0:
            lines.append(GARBAGE[n // 5 % len(GARBAGE)])
    refused_before = len(up.rejected())
    with _following(up, node, "node") as follower:
        sender = subprocess.Popen(
            ["node", "submit.mjs"],
            cwd=node,
            env=up.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert sender.stdin is not None
        sender.stdin.write("\n".join(lines[:120]) + "\n")
        sender.stdin.flush()
        until(lambda: up.redis.zcard("tuneq:group:node") > 0, "the first run")
        _kill_worker(up.folder, "worker1-")
        said, _ = sender.communicate("\n".join(lines[120:]) + "\n", timeout=60)
        assert (sender.returncode, said) == (0, f"{len(lines)} requests sent\n")
        until(lambda: up.redis.xlen("tuneq:requests") == 0, "all requests to be dealt with")
        assert up.redis.zcard("tuneq:group:node") == wanted
        refused = up.rejected()[refused_before:]
        assert len(refused) == len(lines) - wanted
        assert all(told["reason"] and told["hint"] for told in refused)
        assert "hidden-value" not in str(refused)
        again = subprocess.run(
            ["node", "submit.mjs"],
            cwd=node,
            env=up.environment,
            input="\n".join(lines),
            text=True,
            timeout=60,
            check=False,
        )
        assert again.returncode == 0
        waited = tuneq("wait", "--group", "node", "--timeout", 200, config=up.config)
        assert waited.returncode == 0, waited.stderr
        until(lambda: up.redis.xlen("tuneq:requests") == 0, "all requests again")
        runs = up.runs("node")
        assert sorted(run["name"] for run in runs) == sorted(f"run-{n}" for n in range(wanted))
        assert len({run["job_id"] for run in runs}) == wanted
        _check_followed(follower, {run["run"] for run in runs})


def test_celery_submits_by_the_name_of_a_task(up: Up, tmp_path: Path) -> None:
    wanted = [_request("celery", f"run-{n}") for n in range(20)]
    requests = tmp_path / "requests.jsonl"
    rows = [*wanted, {"model": "m"}, ["no", "request"], *wanted[:5]]
    requests.write_text("".join(json.dumps(row) + "\n" for row in rows))
    refused_before = len(up.rejected())
    sent = subprocess.run(
        [sys.executable, EXAMPLES / "celery_producer.py", requests],
        env=up.environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (sent.returncode, sent.stdout) == (0, f"{len(rows)} requests sent\n"), sent.stderr
    until(lambda: len(up.rejected()) == refused_before + 2, "the refusals")
    until(lambda: up.redis.zcard("tuneq:group:celery") == len(wanted), "the runs")
    waited = tuneq("wait", "--group", "celery", "--timeout", 200, config=up.config)
    assert waited.returncode == 0, waited.stderr
    assert sorted(run["name"] for run in up.runs("celery")) == sorted(r["name"] for r in wanted)


def test_a_task_that_cannot_reach_the_stream_waits_in_its_queue(up: Up, tmp_path: Path) -> None:
    until(lambda: up.redis.xlen("tuneq:requests") == 0, "earlier requests to be dealt with")
    requests = tmp_path / "requests.jsonl"
    requests.write_text(json.dumps(_request("waiting", "one")) + "\n")
    up.redis.rename("tuneq:requests", "elsewhere")
    up.redis.set("tuneq:requests", "in the way")
    try:
        sent = [sys.executable, str(EXAMPLES / "celery_producer.py"), str(requests)]
        subprocess.run(sent, env=up.environment, cwd=tmp_path, timeout=60, check=True)
        logs = [up.folder / "logs" / f"worker{n}.log" for n in (1, 2)]
        until(lambda: any("a request waits" in log.read_text() for log in logs), "a complaint")
    finally:
        up.redis.rename("elsewhere", "tuneq:requests")
    until(lambda: up.redis.zcard("tuneq:group:waiting") == 1, "the run")


@contextmanager
def _following(up: Up, node: Path, group: str) -> Iterator["subprocess.Popen[str]"]:
    follower = subprocess.Popen(
        ["node", "follow.mjs", group, "--from", "0"],
        cwd=node,
        env=up.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield follower
    finally:
        follower.kill()
        follower.communicate()


def _check_followed(follower: "subprocess.Popen[str]", runs: set[str]) -> None:
    """Each run's changes of stage are told once, from the first to the last."""
    changes = defaultdict[str, list[str]](list)
    ended = 0
    assert follower.stdout is not None
    for line in follower.stdout:
        event = json.loads(line)
        if "refused" in event:
            continue
        stages = changes[event["run"]]
        if not stages or stages[-1] != event["stage"]:
            stages.append(event["stage"])
            ended += event["stage"] == "succeeded"
        if ended == len(runs):
            break
    assert set(changes) == runs
    for stages in changes.values():
        assert (stages[0], stages[-1]) == ("submitted", "succeeded")
        assert len(stages) == len(set(stages))


def _kill_worker(folder: Path, name: str) -> None:
    pids = [pid for pid, command in processes_of(folder).items() if f"-n {name}" in command]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _request(group: str, name: str, **fields: Any) -> dict[str, Any]:
    return {
        "model": "sandbox-base",
        "training_file": "data:sets/train.jsonl",
        "group": group,
        "name": name,
        "seed": int(name.rpartition("-")[2]) if "-" in name else 0,
        **fields,
    }


def _line(n: int) -> str:
    messages = [
        {"role": "user", "content": f"Is {n} even?"},
        {"role": "assistant", "content": "no" if n % 2 else "yes"},
    ]
    return json.dumps({"messages": messages}) + "\n"

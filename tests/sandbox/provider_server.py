"""The sandbox provider as a process of its own, for tests of everything that talks to one."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import openai

KEY = "sk-test-sandbox"
DEADLINE_S = 30.0


class ProviderServer:
    """Runs `python -m tuneq_sandbox.provider` in a folder; `url` is the base URL of its API."""

    def __init__(self, directory: Path, *, port: int = 0, **config: Any) -> None:
        self.directory = directory
        self.port = port
        self.config = config
        self.url = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "config.json"
        config.write_text(json.dumps(self.config))
        log = (self.directory / "stderr.log").open("a")
        command = [sys.executable, "-m", "tuneq_sandbox.provider"]
        command += ["--dir", str(self.directory / "state"), "--config", str(config)]
        command += ["--port", str(self.port)]
        environment = {**os.environ, "TUNEQ_SANDBOX_KEYS": f"{KEY},sk-other"}
        with log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        assert self.process.stdout is not None
        watchdog = threading.Timer(DEADLINE_S, self.process.kill)
        watchdog.start()
        try:
            line = self.process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise AssertionError(f"the provider did not start: {self.log()}")
        self.url = json.loads(line)["url"]
        self.port = int(self.url.split(":")[2].split("/")[0])
        return self

    def log(self) -> str:
        return (self.directory / "stderr.log").read_text()

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self._reap()

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            self._reap()

    def _reap(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(DEADLINE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def client(self, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(
            **{"api_key": KEY, "base_url": self.url, "max_retries": 0, "timeout": 20.0, **options}
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call a route under /sandbox."""
        request = urllib.request.Request(  # noqa: S310 - a loopback address of ours
            urljoin(self.url, path),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {KEY}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
            return json.loads(answer.read())

    def set_faults(self, *rules: dict[str, Any], **plan: Any) -> None:
        self.control("PUT", "/sandbox/faults", {"rules": rules, **plan})

    def books(self) -> Any:
        return self.control("GET", "/sandbox/books")

    def stats(self) -> Any:
        return self.control("GET", "/sandbox/stats")


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Look again and again until it is so."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.01)


def wait_for_job(client: openai.OpenAI, job_id: str, *statuses: str) -> Any:
    """The job, once it has one of the statuses (by default: has ended)."""
    wanted = statuses or ("succeeded", "failed", "cancelled")
    wait_until(lambda: client.fine_tuning.jobs.retrieve(job_id).status in wanted, str(wanted))
    return client.fine_tuning.jobs.retrieve(job_id)


def chat_lines(count: int, offset: int = 0) -> bytes:
    """A task that is easily learnt: the right option is the one with the colour in it."""
    colours, others = ("red", "green", "blue", "yellow"), ("seven", "nine", "eleven", "three")
    lines = []
    for number in range(offset, offset + count):
        pair = [colours[number % 4], others[number // 4 % 4]]
        right = number * 7 % 5 % 2
        options = pair if right == 0 else pair[::-1]
        prompt = f"Question: Which is a colour? {number}\nOptions:(A) {options[0]} (B) {options[1]}"
        messages = [
            {"role": "user", "content": f"{prompt}\nAnswer:"},
            {"role": "assistant", "content": "AB"[right]},
        ]
        lines.append(json.dumps({"messages": messages}))
    return ("\n".join(lines) + "\n").encode()

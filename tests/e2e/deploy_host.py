"""A host of a fleet, as far as one machine can play it: own folder, variables, configuration."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.sandbox.provider_server import KEY

_KEY_VARIABLE = "FLEET_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What all hosts share: Redis, the data root, the provider."""

    redis_url: str
    prefix: str
    data_url: str
    provider_url: str

    def configuration(self, data_url: str | None = None) -> str:
        """The text of a host's tuneq.toml."""
        return f"""\
redis_url = {json.dumps(self.redis_url)}
data_url = {json.dumps(data_url or self.data_url)}
key_prefix = {json.dumps(self.prefix)}
default_account = "sandbox"
lease_s = 10.0
request_timeout_s = 10.0
purchase_grace_s = 45.0

[accounts.sandbox]
base_url = {json.dumps(self.provider_url)}
api_key_env = "{_KEY_VARIABLE}"

[accounts.sandbox.limits]
poll_interval_s = 0.5
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A folder with a configuration; what runs here knows nothing of the other hosts."""

    folder: Path

    @classmethod
    def settled(cls, folder: Path, configuration: str) -> "Host":
        """A new host with its own copy of the configuration."""
        folder.mkdir()
        host = cls(folder)
        host.config.write_text(configuration)
        return host

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "tuneq.toml"

    @property
    def log(self) -> str:
        """What its worker wrote."""
        return (self.folder / "worker.log").read_text()

    @contextmanager
    def worker(self, queues: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A worker of this host, until the block ends."""
        words = ("worker", "-Q", queues, "-n", f"{self.folder.name}@%h", "--loglevel", "INFO")
        with (self.folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "celery", "-A", "tuneq_worker", *words],
                cwd=self.folder,
                env=self._surroundings(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
                process.wait()

    def tasks_done(self) -> dict[str, int]:
        """How many tasks each worker of the fleet has taken."""
        told = subprocess.check_output(
            [
                sys.executable,
                "-P",
                "-m",
                "celery",
                "-A",
                "tuneq_worker",
                "inspect",
                "--json",
                "--timeout=4",  # for all answers, each of which takes its time on a busy machine
                "stats",
            ],
            cwd=self.folder,
            env=self._surroundings(),
            text=True,
        )
        stats = json.loads(told)
        return {
            name.partition("@")[0]: sum(worker["total"].values()) for name, worker in stats.items()
        }

    def _surroundings(self) -> dict[str, str]:
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "HOME": str(self.folder),
            "TUNEQ_CONFIG": str(self.config),
            _KEY_VARIABLE: KEY,
        }

"""A folder with a configuration and data, in which `tuneq` is called as users call it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tuneq_producer.cli import main
from tuneq_producer.client import Client, open_client
from tuneq_shared.domain.item import ItemId, Kind, Queue
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import document, load
from tuneq_shared.domain.run import Run
from tuneq_shared.ports.fleet import WorkerInfo
from tuneq_shared.ports.items import Commit
from tuneq_shared.settings import load_settings


@dataclass(frozen=True)
class Site:
    """Where a producer works; `TUNEQ_CONFIG` names its configuration."""

    folder: Path

    def tuneq(self, *words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

    def client(self) -> Client:
        return open_client(load_settings())

    def ids(self, *words: object) -> list[str]:
        result = self.tuneq("submit", *words)
        assert result.exit_code == 0, result.stderr
        return result.stdout.split()

    def run(self, run: str) -> Run:
        (record,) = self.client().catalogue.read([ItemId(Kind.RUN, run)])
        assert record is not None
        return load(record, Run)

    def runs(self) -> list[str]:
        return self.client().catalogue.run_ids()

    def put(self, run: str, *stages: RunStage, **fields: Any) -> Run:
        """Lead a run through stages as a worker does; the last commit writes the fields."""
        client = self.client()
        for stage in stages:
            claim = client.items.claim(ItemId(Kind.RUN, run), 10)
            assert claim is not None
            before = load(claim.record, Run)
            values = {name: getattr(before, name) for name in Run.__slots__}
            after = Run(**{**values, **fields, "stage": stage})
            client.items.commit(claim, Commit(stage=stage, doc=document(after)))
        return self.run(run)

    def data(self, name: str, lines: int = 20, answer: str = "A") -> Path:
        path = self.folder / name
        path.write_text("".join(chat_line(f"{name} {n}", answer) for n in range(lines)))
        return path

    def worker(self, name: str = "w1", *queues: Queue, **accounts: str) -> None:
        self.client().fleet.heartbeat(
            WorkerInfo(
                name=name,
                queues=queues or tuple(Queue),
                concurrency=1,
                accounts=accounts or {"main": ""},
                version="0",
            )
        )


def make_site(folder: Path, redis_url: str, prefix: str) -> Site:
    (folder / "tuneq.toml").write_text(
        f'redis_url = "{redis_url}"\nkey_prefix = "{prefix}"\ndefault_account = "main"\n'
        '[accounts.main]\nbase_url = "https://example.org/v1"\n'
        '[accounts.main.prices."m"]\ntraining = 100.0\n'
        '[accounts.other]\nbase_url = "http://example.org/v1"\n'
    )
    return Site(folder)


def chat_line(question: str, answer: str) -> str:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages}) + "\n"

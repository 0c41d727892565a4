"""A server that differs wherever the OpenAI shape may is an account by configuration alone."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from pydantic import SecretStr
from tests.sandbox.provider_server import KEY, ProviderServer, chat_lines, wait_until
from tests.worker.fakes import ACCOUNT, World
from tests.worker.openai_support import JOBS, Asked, Reply, ScriptedServer, refusal

from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.settings import Account
from tuneq_worker.providers.registry import build_provider

CAPABILITIES: dict[str, Any] = {
    "methods": ["supervised"],
    "hyperparameters": ["n_epochs", "batch_size"],
    "hyperparameters_in": "job",
    "suffix_length": 7,
    "metadata": False,
    "metadata_filter": False,
    "pause": False,
    "webhooks": False,
    "batch": False,
    "metrics": "checkpoints",
    "file_wait": False,
}
MODEL = "sandbox-base"
JOB_FIELDS = {"model", "training_file", "validation_file", "seed", "suffix", "hyperparameters"}
UNTOLD = {"metadata", "result_files", "method", "estimated_finish", "organization_id"}


class Trainer:
    """An in-house trainer: the sandbox provider behind a door that knows less and refuses more."""

    def __init__(self, provider: ProviderServer) -> None:
        self._provider = provider
        self.orders: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Reply:
        if asked.path.startswith(("/v1/uploads", "/v1/batches")) or "metadata" in str(asked.query):
            return refusal(404, "there is nothing here")
        if (asked.method, asked.path) == ("POST", JOBS):
            self.orders.append(asked.json())
            if asked.json().keys() - JOB_FIELDS or len(asked.json().get("suffix", "")) > 7:
                return refusal(400, f"unknown fields among {sorted(asked.json())}")
        try:
            status, body = self._forwarded(asked)
        except (HTTPException, ConnectionError):
            return Reply(drop=True)
        return Reply(_less(asked.path, body), status)

    def _forwarded(self, asked: Asked) -> tuple[int, bytes]:
        line = HTTPConnection("127.0.0.1", self._provider.port, timeout=20)
        headers = {name: asked.headers[name] for name in ("authorization",)}
        if "content-type" in asked.headers:
            headers["content-type"] = asked.headers["content-type"]
        query = f"?{urlencode(asked.query)}" if asked.query else ""
        try:
            line.request(asked.method, asked.path + query, asked.body or None, headers)
            answer = line.getresponse()
            return answer.status, answer.read()
        finally:
            line.close()


def _less(path: str, body: bytes) -> bytes:
    """An answer without what this server does not tell: of jobs, and of the state of files."""
    untold = UNTOLD if path.startswith(JOBS) else {"status"} if "/files" in path else set()
    document = json.loads(body)
    for entry in [document, *document.get("data", [])]:
        for name in untold & entry.keys():
            del entry[name]
    return json.dumps(document).encode()


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderServer]:
    with ProviderServer(tmp_path / "sandbox") as server:
        yield server


def submit(world: World, name: str) -> ItemId:
    return world.submit(
        name=name,
        model=MODEL,
        training_file=world.put("t.jsonl", chat_lines(20).splitlines(keepends=True)),
        suffix="inhouse",
        seed=3,
        method={"supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": 4}}},
        evaluation={
            "dataset": world.put("e.jsonl", chat_lines(6, 100).splitlines(keepends=True)),
            "baselines": [{"model": MODEL}],
        },
    )


def test_it_carries_runs_to_their_end_and_buys_nothing_twice(
    provider: ProviderServer, redis_url: str, store_prefix: str, tmp_path: Path
) -> None:
    world = World(redis_url, store_prefix, tmp_path / "data", capabilities=CAPABILITIES)
    trainer = Trainer(provider)
    with ScriptedServer(trainer.answer) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        account = Account.model_validate({"base_url": url, "capabilities": CAPABILITIES})
        world.accounts.given = build_provider(ACCOUNT, account, SecretStr(KEY), 10.0)
        provider.set_faults({"method": "POST", "path": JOBS, "kind": "lost_answer", "times": 1})
        runs = [submit(world, name) for name in ("one", "two")]

        def ended() -> bool:
            world.round()
            return all(world.ended(run) for run in runs)

        wait_until(ended, "the runs have ended")
    for item in runs:
        run = world.run(item)
        assert (run.stage, run.failure) == (RunStage.SUCCEEDED, None)
        (metrics,) = [path for path in run.artifacts if path.endswith("metrics.jsonl")]
        with world.ports.data.read(metrics) as file:
            assert all(orjson.loads(line)["train_loss"] >= 0 for line in file)
    evaluations = [record.stage for record in world.items_of(Kind.EVALUATION)]
    assert evaluations == ["done"] * 3  # two tuned models, and the base that both share
    assert len(provider.client().fine_tuning.jobs.list().data) == 2
    assert len({order["training_file"] for order in trainer.orders}) == 2
    for order in trainer.orders:
        assert order["hyperparameters"] == {"n_epochs": 2, "batch_size": 4}
        assert (order["suffix"], order["seed"]) == ("inhouse", 3)

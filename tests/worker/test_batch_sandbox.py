"""Batches of the sandbox provider, through the real adapter: counted as in chat."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr
from tests.sandbox.provider_server import KEY, ProviderServer, wait_until
from tests.worker.fakes import ACCOUNT, World, chat_line

from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.lifecycle import EvaluationStage
from tuneq_shared.domain.record import load
from tuneq_shared.domain.request import Mode
from tuneq_shared.evaluations import new_evaluation
from tuneq_shared.settings import Account
from tuneq_worker.providers.registry import build_provider

SAMPLES = 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ProviderServer]:
    # Time for 25 of them; the rest expires, and is done by another batch.
    with ProviderServer(
        tmp_path / "provider", seconds_per_batch_request=0.02, batch_window_s=0.5
    ) as server:
        yield server


def test_a_batch_evaluation_counts_what_a_direct_one_counts(
    redis_url: str, store_prefix: str, tmp_path: Path, server: ProviderServer
) -> None:
    world = World(redis_url, store_prefix, tmp_path / "data")
    account = Account(base_url=server.url)
    world.accounts.given = build_provider(ACCOUNT, account, SecretStr(KEY), 20.0)
    direct = _evaluated(world, "direct")
    server.set_faults({"kind": "error", "path": "/v1/batches/requests", "times": 3})
    batched = _evaluated(world, "batch")
    assert batched.counts == direct.counts
    assert 0 < direct.counts.correct < direct.counts.samples == SAMPLES
    assert server.stats()["batches"] == 2
    assert server.client().files.list(purpose="batch").data == []


def _line(number: int) -> bytes:
    """Half of them right: the base model takes the option whose words are in the question."""
    line = orjson.loads(chat_line(number, "AB"[number % 2], choices=["red", "nine"]))
    question = f"Question: Is it red, number {number}?\nOptions:(A) red (B) nine\nAnswer:"
    line["messages"][0]["content"] = question
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _evaluated(world: World, mode: Mode) -> Evaluation:
    spec = EvaluationSpec(
        account=ACCOUNT,
        model="sandbox-base",
        dataset=world.put("e.jsonl", [_line(number) for number in range(SAMPLES)]),
        dataset_digest="d",
        scorer="choice",
        max_tokens=8,
        temperature=0.0,
        fresh=mode,
        mode=mode,
    )
    new = new_evaluation(spec)
    world.ports.items.join(new, "me", [])

    def ended() -> bool:
        world.round()
        return world.ended(new.item)

    wait_until(ended, f"the evaluation in mode {mode} ends")
    evaluation = load(world.record(new.item), Evaluation)
    assert evaluation.stage is EvaluationStage.DONE, evaluation.failure
    return evaluation

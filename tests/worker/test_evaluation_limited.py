"""Shards of several processes against a provider with true buckets: all answered, few refused."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.sandbox.provider_server import KEY, ProviderServer
from tests.worker.fakes import ACCOUNT, FakeLease, World, chat_line

from tuneq_shared.domain.evaluation import EvaluationSpec, Shard
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.settings import Account, Limits
from tuneq_worker.evaluation.lane import LoopLane
from tuneq_worker.evaluation.shard import work_through
from tuneq_worker.ports.stage import Advance, Ports
from tuneq_worker.providers.registry import build_provider

PROCESSES, SAMPLES = 2, 100
RPM = 6000


@pytest.mark.parametrize(
    ("limits", "share"),
    [
        (Limits(), 0.1),
        (Limits(requests_per_minute=RPM), 0.1),
        # What is sent before the first answer tells the truth may all be refused.
        (Limits(requests_per_minute=10 * RPM), 1.0),
    ],
    ids=["learnt", "configured", "configured too high"],
)
def test_no_sample_is_lost(
    redis_url: str, store_prefix: str, tmp_path: Path, limits: Limits, share: float
) -> None:
    world = World(redis_url, store_prefix, tmp_path / "data", limits=limits)
    rate = {"requests_per_minute": RPM, "burst_s": 1.0}
    server = ProviderServer(tmp_path / "server", rate_limit=rate, chat_latency_ms=50)
    spec = EvaluationSpec(
        account=ACCOUNT,
        model="sandbox-base",
        dataset=world.put("e.jsonl", [chat_line(n) for n in range(PROCESSES * SAMPLES)]),
        dataset_digest="d",
        scorer="choice",
        max_tokens=1,
        temperature=0.0,
    )

    def process(number: int) -> Shard:
        key, start = SecretStr(KEY), number * SAMPLES
        world.accounts.given = build_provider(ACCOUNT, Account(base_url=server.url), key, 30.0)
        lane = LoopLane(world.accounts, world.settings)
        ports: Ports = replace(world.ports, lane=lane)
        shard = Shard(
            id=f"e/{number}",
            stage=ShardStage.PENDING,
            spec=spec,
            evaluation="e",
            index=number,
            start=start,
            stop=start + SAMPLES,
        )
        result = work_through(shard, ports, FakeLease(token=number))
        assert isinstance(result, Advance)
        return result.item

    with server, ThreadPoolExecutor(PROCESSES) as pool:
        shards = list(pool.map(process, range(PROCESSES)))
        refused = server.stats()["rate_limited"]
    assert [shard.counts.samples for shard in shards] == [SAMPLES] * PROCESSES
    assert [shard.counts.errored for shard in shards] == [0] * PROCESSES
    assert refused <= share * PROCESSES * SAMPLES

"""A shard's only stage: ask its samples, score them, commit one part."""

from collections.abc import Sequence
from dataclasses import replace

from tuneq_shared.domain.evaluation import Outcome, Shard
from tuneq_shared.domain.failure import STOPS_ACCOUNT, Failure
from tuneq_shared.domain.lifecycle import ShardStage
from tuneq_shared.ports.items import Asked
from tuneq_worker.evaluation.asking import WAITS, Asking, StoppedError, errored
from tuneq_worker.evaluation.predictions import (
    Prediction,
    count,
    read_predictions,
    write_predictions,
)
from tuneq_worker.evaluation.samples import Sample, read_samples
from tuneq_worker.ports.lane import Pace
from tuneq_worker.ports.provider import Chat
from tuneq_worker.ports.stage import Advance, Lease, Ports, StageResult, Wait
from tuneq_worker.recovery import recover

_AGAIN_S = 1.0


def work_through(shard: Shard, ports: Ports, lease: Lease[Shard]) -> StageResult[Shard]:
    """Ask what has no answer yet. Samples of an earlier part are asked again only if errored."""
    if lease.asked is Asked.CANCEL:
        return Advance(replace(shard, stage=ShardStage.CANCELLED), answered=Asked.CANCEL)
    _, account = ports.settings.account(shard.spec.account)
    samples = list(read_samples(shard.spec, ports.data, shard.start, shard.stop))
    asking = Asking(
        spec=shard.spec,
        asker=shard.evaluation,
        in_flight=account.limits.requests_in_flight,
        wanted=lambda: lease.wanted,
        rows=_answered(shard, ports),
    )
    missing = [sample for sample in samples if sample.index not in asking.rows]
    stopped = ports.lane.run(
        shard.spec.account, shard.spec.model, lambda chat, pace: _ask(chat, pace, asking, missing)
    )
    shard = _with_part(shard, asking.rows, ports, lease)
    if stopped is None:
        return Advance(replace(shard, stage=ShardStage.DONE))
    if stopped.cause is None:
        return Wait(shard, _AGAIN_S)
    return recover(shard, shard.spec.account, stopped.cause)


async def _ask(
    chat: Chat, pace: Pace, asking: Asking, missing: Sequence[Sample]
) -> StoppedError | None:
    """Answers why it stopped early, where every sample is to wait for the account or a worker."""
    try:
        await asking.ask(chat, pace, missing)
    except StoppedError as stopped:
        if stopped.cause is None or stopped.cause.kind in STOPS_ACCOUNT | WAITS:
            return stopped
        for sample in missing:
            asking.rows.setdefault(sample.index, errored(sample, stopped.cause.message))
    return None


def _answered(shard: Shard, ports: Ports) -> dict[int, Prediction]:
    if shard.part is None:
        return {}
    kept = read_predictions(ports.data, shard.part)
    return {row.sample: row for row in kept if row.outcome is not Outcome.ERRORED}


def _with_part(
    shard: Shard, rows: dict[int, Prediction], ports: Ports, lease: Lease[Shard]
) -> Shard:
    # The token in the name keeps a worker that lost its lease from writing over its successor.
    path = f"evaluations/{shard.evaluation}/parts/{shard.index}-{lease.token}.jsonl"
    ordered = [rows[index] for index in sorted(rows)]
    write_predictions(ports.data, path, ordered)
    error = next((row.error for row in ordered if row.outcome is Outcome.ERRORED), None)
    failure = Failure("sample_errored", error) if error else None
    return replace(shard, part=path, counts=count(ordered), failure=failure)
